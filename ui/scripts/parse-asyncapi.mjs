// Writes the committed AsyncAPI document as its parser understands it, for the reference page.
import { readFile, writeFile } from "node:fs/promises";
import { Parser, stringify } from "@asyncapi/parser";

const source = new URL("../../asyncapi/asyncapi.yaml", import.meta.url);
const target = new URL("../src/docs/asyncapi.json", import.meta.url);
const { document, diagnostics } = await new Parser().parse(await readFile(source, "utf8"));
if (!document) {
  console.error(diagnostics.filter(({ severity }) => severity === 0));
  process.exit(1);
}
await writeFile(target, stringify(document));

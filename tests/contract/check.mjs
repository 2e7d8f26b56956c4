// Checks the committed documents: `npm run check`. Exits with 1 where @asyncapi/parser or spectral finds an error.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { DiagnosticSeverity, Parser } from "@asyncapi/parser";
import spectralCore from "@stoplight/spectral-core";
import Parsers from "@stoplight/spectral-parsers";
import rulesets from "@stoplight/spectral-rulesets";

const { Document, Spectral } = spectralCore;
const root = new URL("../../", import.meta.url);
const documents = ["contracts/openapi.yaml", "contracts/openapi-3.0.yaml", "asyncapi/asyncapi.yaml"];
let errors = 0;

/** Prints what a tool has found, errors and warnings alike; only errors count. */
function report(tool, path, diagnostics) {
  for (const { severity, code, message, path: place } of diagnostics) {
    if (severity > DiagnosticSeverity.Warning) continue;
    const level = severity === DiagnosticSeverity.Error ? "error" : "warning";
    if (level === "error") errors += 1;
    console.log(`${path}: ${tool}: ${level}: ${code}: ${message} (${place.join("/")})`);
  }
}

for (const path of documents) {
  const text = readFileSync(fileURLToPath(new URL(path, root)), "utf8");
  const spectral = new Spectral();
  const rules = path.startsWith("asyncapi") ? rulesets.asyncapi : rulesets.oas;
  spectral.setRuleset({ extends: [[rules, "recommended"]] });
  report("spectral", path, await spectral.run(new Document(text, Parsers.Yaml, path)));
  if (path.startsWith("asyncapi")) {
    const { document, diagnostics } = await new Parser().parse(text);
    report("@asyncapi/parser", path, diagnostics);
    if (document === undefined) throw new Error(`${path}: @asyncapi/parser made no document of it`);
    console.log(`${path}: ${document.allMessages().length} messages, ${document.allOperations().length} operations`);
  }
}
console.log(errors === 0 ? "No errors." : `${errors} errors.`);
process.exit(errors === 0 ? 0 : 1);

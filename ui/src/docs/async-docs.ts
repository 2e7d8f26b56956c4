import "@fontsource-variable/inter/wght.css";
import "@asyncapi/react-component/styles/default.min.css";
import "./docs.css";
import bundle from "@asyncapi/react-component/browser/standalone/without-parser.js?url";
// Parsed when the page is built: the parser takes longer than people like to wait.
import parsed from "./asyncapi.json?url";
import { type Description, contents, part } from "./operations";
import { loaded } from "./script";

declare global {
  interface Window {
    AsyncApiStandalone: { render: (options: { schema: unknown; config: object }, element: Element | null) => void };
  }
}

const reference = document.getElementById("reference") as HTMLElement;
const [description] = await Promise.all([
  fetch(parsed).then((answer) => answer.json() as Promise<Description>),
  loaded(bundle),
]);
const { list, mark } = contents(description);
reference.before(list);

/** Draw what the address names. The component draws every schema with all that is in it, hidden or not: one operation
 * at a time takes a moment, all of them would take a minute. */
function show(): void {
  const id = decodeURIComponent(location.hash.slice(1));
  const known = id in description.operations;
  const place = document.createElement("div");
  reference.replaceChildren(place);
  const config = {
    show: { sidebar: false, errors: false, messages: false, schemas: false, info: !known, servers: !known, operations: known },
  };
  window.AsyncApiStandalone.render({ schema: part(description, known ? id : null), config }, place);
  mark(known ? id : "");
  scrollTo({ top: 0 });
}

addEventListener("hashchange", show);
show();

import "@fontsource-variable/inter/wght.css";
import "@asyncapi/react-component/styles/default.min.css";
import "./docs.css";
import bundle from "@asyncapi/react-component/browser/standalone/without-parser.js?url";
// Parsed when the page is built: the parser takes longer than people like to wait.
import parsed from "./asyncapi.json?url";
import { loaded } from "./script";

declare global {
  interface Window {
    AsyncApiStandalone: { render: (options: { schema: unknown; config: object }, element: Element | null) => void };
  }
}

const [schema] = await Promise.all([fetch(parsed).then((answer) => answer.text()), loaded(bundle)]);
// Messages and their schemas stand at the operations; once more at the end they would take seconds.
const config = { show: { sidebar: true, errors: false, messages: false, schemas: false } };
window.AsyncApiStandalone.render({ schema, config }, document.getElementById("reference"));

import "@fontsource-variable/inter/wght.css";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";
import bundle from "swagger-ui-dist/swagger-ui-bundle.js?url";
import { loaded } from "./script";

interface SwaggerOptions {
  spec: object;
  domNode: Element | null;
  deepLinking: boolean;
  docExpansion: "list";
  defaultModelsExpandDepth: number;
  validatorUrl: null;
}
declare global {
  interface Window {
    SwaggerUIBundle: (options: SwaggerOptions) => unknown;
  }
}

const answer = await fetch("/openapi.json");
// The page at the root asks for the key that is missing.
if (answer.status === 401) location.assign("/");
const [spec] = await Promise.all([answer.json() as Promise<object>, loaded(bundle)]);
window.SwaggerUIBundle({
  // What is tried is tried here, wherever this server is.
  spec: { ...spec, servers: [{ url: location.origin }] },
  domNode: document.getElementById("reference"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // Swagger's own would be another host.
  validatorUrl: null,
});

import "@fontsource-variable/inter/wght.css";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";
import bundle from "swagger-ui-dist/swagger-ui-bundle.js?url";
import { loaded } from "./script";

interface SwaggerOptions {
  url: string;
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

await loaded(bundle);
window.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("reference"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // Swagger's own would be another host.
  validatorUrl: null,
});

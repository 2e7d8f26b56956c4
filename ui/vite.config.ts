import { appendFileSync, readFileSync } from "node:fs";

import { defineConfig, type Plugin } from "vite";

const LICENSES = "licenses.md";
/** What packages have in them already, which Vite does not see, and what is no script. */
const MORE = [
  "@fontsource-variable/inter/LICENSE",
  "swagger-ui-dist/NOTICE",
  "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  "@asyncapi/react-component/browser/standalone/without-parser.js.LICENSE.txt",
];

/** Licences ask for their texts to go along with every copy. */
const licensesOfMore: Plugin = {
  name: "licenses-of-more",
  writeBundle({ dir }) {
    for (const path of MORE) {
      const text = readFileSync(new URL(`node_modules/${path}`, import.meta.url), "utf8");
      appendFileSync(`${dir}/${LICENSES}`, `\n## ${path}\n\n${text.trim()}\n`);
    }
  },
};

// Nothing is inlined as data: the page is served with `default-src 'self'`.
export default defineConfig({
  base: "/",
  resolve: { tsconfigPaths: true },
  plugins: [licensesOfMore],
  build: {
    outDir: "../web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 2000,
    license: { fileName: LICENSES },
    rolldownOptions: { input: ["index.html", "docs.html", "async-docs.html"] },
  },
});

import { defineConfig } from "vite";

// Nothing is inlined as data: the page is served with `default-src 'self'`.
export default defineConfig({
  base: "/",
  resolve: { tsconfigPaths: true },
  build: {
    outDir: "../web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ["index.html", "docs.html", "async-docs.html"] },
  },
});

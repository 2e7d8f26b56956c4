import { effect, signal } from "@preact/signals";
import { language } from "./i18n";

export type Theme = "auto" | "light" | "dark";
const KEPT = "callannotate.theme";

function remembered(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

/** Light, dark, or like the system. */
export const theme = signal<Theme>(remembered());

/** Counts changes of the colours, for those who draw on a canvas. */
export const colours = signal(0);

/** Keep the page's language and colours as they are chosen. */
export function startPreferences(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    localStorage.setItem(KEPT, theme.value);
    colours.value = colours.peek() + 1;
  });
  effect(() => {
    document.documentElement.lang = language.value;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    colours.value = colours.peek() + 1;
  });
}

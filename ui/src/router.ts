import { computed, signal } from "@preact/signals";

export type Place = { page: "calls" } | { page: "call"; job: string } | { page: "live" } | { page: "voices" } | { page: "nowhere" };

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

/** Where the page is. */
export const place = computed<Place>(() => {
  const [first = "", second = ""] = hash.value.replace(/^#\/?/, "").split("/");
  if (first === "") return { page: "calls" };
  if ((first === "live" || first === "voices") && second === "") return { page: first };
  if (first === "calls" && /^[0-9a-f-]{36}$/.test(second)) return { page: "call", job: second };
  return { page: "nowhere" };
});

export const CALLS = "#/";
export const LIVE = "#/live";
export const VOICES = "#/voices";
export const callAddress = (job: string): string => `#/calls/${job}`;

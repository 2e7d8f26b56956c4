const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 6v12M16 6v12",
  back: "M4.5 4.5v5h5M4.9 9.5A8 8 0 1 1 4 13",
  forward: "M19.5 4.5v5h-5M19.1 9.5A8 8 0 1 0 20 13",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
  up: "m6 14.5 6-6 6 6",
  down: "m6 9.5 6 6 6-6",
  edit: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5",
  follow: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  download: "M12 4v11M7.5 10.5 12 15l4.5-4.5M5 19.5h14",
  upload: "M12 16V5M7.5 9.5 12 5l4.5 4.5M5 19.5h14",
  undo: "M8 5 4 9l4 4M4.5 9H15a5 5 0 0 1 0 10h-4",
  remove: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  leave: "M10 4.5H5v15h5M14 8l4 4-4 4M18 12H9",
  close: "M6 6l12 12M18 6 6 18",
  voice: "M9 10.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 5a6 6 0 0 1 0 6M19 3.5a9 9 0 0 1 0 9",
  unsure: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.5v.01",
  keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  microphone: "M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
  stop: "M7 7h10v10H7z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  add: "M12 5v14M5 12h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
} as const;

const FILLED = new Set<IconName>(["play", "stop"]);
type IconName = keyof typeof PATHS;

/** A picture beside or instead of a text; what it says is said by the element around it. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} class={FILLED.has(name) ? "filled" : ""} />
      {name === "auto" && <path d="M12 4a8 8 0 0 0 0 16z" class="filled" />}
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="one" d="M5 14v4M10 9v14M15 12v8" />
      <path class="two" d="M21 8v16M26 14v4" />
    </svg>
  );
}

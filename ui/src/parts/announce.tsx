import { signal } from "@preact/signals";

const said = signal("");

/** Have screen readers say something that is seen otherwise. */
export function announce(text: string): void {
  // The same text twice is said twice.
  said.value = said.peek() === text ? `${text}\u00a0` : text;
}

export function Announcer() {
  return (
    <div class="hidden" role="status" aria-live="polite">
      {said.value}
    </div>
  );
}

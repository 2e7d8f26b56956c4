import { useEffect } from "preact/hooks";
import type { CallState } from "./state";

const WRITING = "input, textarea, select, [contenteditable]";

/** The keys of the whole page; those of the transcript are there. */
export function useKeys(call: CallState): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if ((event.ctrlKey || event.metaKey) && event.code === "KeyZ" && !target.matches(WRITING)) {
        event.preventDefault();
        void call.corrector.undo();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (target.matches(WRITING) && !(target.matches("input[type=range]") && event.key === " ")) return;
      const action = ACTIONS[event.key];
      if (!action || (event.key === " " && target.matches("button, a, summary"))) return;
      if (event.key.startsWith("Arrow") && target.closest(".transcript, .menu")) return;
      event.preventDefault();
      action(call);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [call]);
}

const ACTIONS: Readonly<Record<string, (call: CallState) => void>> = {
  " ": (call) => call.player.value?.toggle(),
  ArrowLeft: (call) => call.player.value?.skip(-1),
  ArrowRight: (call) => call.player.value?.skip(1),
  "/": () => document.querySelector<HTMLInputElement>(".search input")?.focus(),
  u: (call) => call.stepUnsure(),
  г: (call) => call.stepUnsure(),
};

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { announce } from "../parts/announce";
import type { CallState } from "./state";

/** Letters by which a line is corrected, where they are on an English and on a Russian keyboard. */
const EDIT = new Set(["e", "E", "у", "У", "F2"]);
const SPEAKER = new Set(["s", "S", "ы", "Ы"]);

/** Arrows go through lines and words, Enter plays, E corrects. The cursor's line is the one that can be tabbed to. */
export function useRowKeys(call: CallState, element: RefObject<HTMLElement | null>): (event: KeyboardEvent) => void {
  useEffect(() => {
    let before = call.cursor.peek();
    return call.cursor.subscribe((now) => {
      const moved = now !== before;
      before = now;
      if (!moved) return;
      const word = call.rows.peek()[now.row]?.words[now.word];
      if (word) announce(word.text);
      const focus = (): boolean => {
        const row = element.current?.querySelector<HTMLElement>(`[data-index="${now.row}"] .row`);
        // What is being written there meanwhile keeps the keyboard.
        if (row && !row.contains(document.activeElement)) row.focus({ preventScroll: true });
        return Boolean(row);
      };
      // At once, so that the next key is this row's; a row far away is drawn first.
      if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
    });
  }, [call]);

  function step(rows: number, words: number): void {
    const { row, word } = call.cursor.peek();
    const all = call.rows.peek();
    const next = Math.min(Math.max(0, row + rows), all.length - 1);
    const count = all[next]?.words.length ?? 0;
    const wanted = rows === 0 ? word + words : 0;
    if (wanted >= count && next + 1 < all.length) call.cursor.value = { row: next + 1, word: 0 };
    else if (wanted < 0 && next > 0) {
      call.cursor.value = { row: next - 1, word: (all[next - 1]?.words.length ?? 1) - 1 };
    } else call.cursor.value = { row: next, word: Math.min(Math.max(0, wanted), Math.max(0, count - 1)) };
  }

  return (event) => {
    const target = event.target as HTMLElement;
    if (!target.classList.contains("row") || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, word } = call.cursor.peek();
    const arrows: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const arrow = arrows[event.key];
    if (arrow) step(...arrow);
    else if (event.key === "Enter") call.player.peek()?.playFrom(call.rows.peek()[row]?.words[word]?.start ?? 0);
    else if (EDIT.has(event.key)) call.openWord({ row, word });
    else if (SPEAKER.has(event.key)) target.querySelector<HTMLElement>(".who button")?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

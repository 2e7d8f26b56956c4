import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { useVirtualRows } from "../parts/virtual";
import { type Row, rowKey } from "./model";
import { TranscriptRow } from "./row";
import type { CallState } from "./state";
import { useRowKeys } from "./row-keys";

const LINE = 27;
const COLUMN = 62;
const HEAD = 34;
/** Milliseconds for which the list stays where somebody has scrolled it. */
const REST = 4000;

/** All that was said, as a list of which only the rows near the window are there. */
export function Transcript({ call }: { call: CallState }) {
  const element = useRef<HTMLDivElement>(null);
  const rows = call.rows.value;
  const virtual = useVirtualRows({
    count: rows.length,
    element,
    estimate: (index) => estimated(rows, index),
    key: (index) => (rows[index] ? rowKey(rows[index]) : String(index)),
  });

  const touch = useFollowing(call, (row, align) => virtual.scrollToIndex(row, { align }));
  const press = useRowKeys(call, element);

  if (rows.length === 0) return <p class="nothing">{t("no_words")}</p>;
  return (
    <div class={`transcript ${call.editing.value ? "editing" : ""}`} ref={element} onWheel={touch} onTouchMove={touch}>
      <div
        class="rows"
        role="list"
        aria-label={t("transcript")}
        style={{ height: `${virtual.getTotalSize()}px` }}
        onKeyDown={press}
      >
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              key={item.key}
              class="slot"
              role="listitem"
              aria-setsize={rows.length}
              aria-posinset={item.index + 1}
              data-index={item.index}
              ref={(slot) => virtual.measureElement(slot)}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <TranscriptRow
                call={call}
                row={row}
                index={item.index}
                first={rows[item.index - 1]?.speaker !== row.speaker}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Pixels of a row before it has been measured. */
function estimated(rows: readonly Row[], index: number): number {
  const row = rows[index];
  if (!row) return LINE;
  const letters = row.words.reduce((sum, word) => sum + word.text.length + 1, 0);
  const first = rows[index - 1]?.speaker !== row.speaker;
  return Math.ceil(letters / COLUMN) * LINE + (first ? HEAD : 6);
}

/** Scroll to what is said, found or walked to; returns what says that somebody scrolls by hand. */
function useFollowing(call: CallState, scroll: (row: number, align: "auto" | "center") => void): () => void {
  const touched = useRef(0);
  const show = (row: number, align: "auto" | "center") => {
    if (row >= 0) scroll(row, align);
  };
  useSignalEffect(() => {
    const row = call.saidRow.value;
    const playing = call.player.value?.playing.value;
    if (playing && call.following.value && Date.now() - touched.current > REST) show(row, "center");
  });
  useSignalEffect(() => {
    const spot = call.matches.value[call.match.value];
    if (spot) show(spot.row, "center");
  });
  useEffect(() => {
    // The first cursor is the beginning, where the list is anyway.
    let first = true;
    return call.cursor.subscribe(({ row }) => {
      if (!first) show(row, "auto");
      first = false;
    });
  }, [call]);
  return () => {
    touched.current = Date.now();
  };
}

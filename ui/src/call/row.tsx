import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, percent, t } from "../i18n";
import { type Row, UNSURE, type Word } from "./model";
import type { CallState } from "./state";
import { SpeakerMenu } from "./speaker-menu";

interface RowProps {
  call: CallState;
  row: Row;
  index: number;
  /** Whether somebody else spoke before. */
  first: boolean;
}

/** One segment: when, who, and its words. */
export function TranscriptRow({ call, row, index, first }: RowProps) {
  const colour = call.personOf.value.get(row.speaker)?.colour ?? 1;
  const said = useComputed(() => call.saidRow.value === index);
  const here = useComputed(() => call.cursor.value.row === index);
  const name = call.nameOf(row.speaker);
  return (
    <div
      class={`row c${colour} ${first ? "first" : ""} ${said.value ? "said" : ""}`}
      tabIndex={here.value ? 0 : -1}
      aria-current={said.value ? "true" : undefined}
      onFocus={(event) => {
        if (event.target === event.currentTarget && !here.peek()) call.cursor.value = { row: index, word: 0 };
      }}
    >
      <button
        type="button"
        class="time"
        tabIndex={-1}
        aria-label={`${t("play")}: ${clock(row.start)}`}
        onClick={() => call.player.value?.playFrom(row.start)}
      >
        {clock(row.start)}
      </button>
      <div class="body">
        <div class={`who ${first ? "" : "repeated"}`}>
          <SpeakerMenu call={call} row={row} name={name} />
        </div>
        <Words call={call} row={row} index={index} />
      </div>
    </div>
  );
}

function Words({ call, row, index }: { call: CallState; row: Row; index: number }) {
  const said = useComputed(() => (call.saidRow.value === index ? call.saidWord.value : -1));
  const cursor = useComputed(() => (call.cursor.value.row === index ? call.cursor.value.word : -1));
  const open = useComputed(() => (call.open.value?.row === index ? call.open.value.word : -1));
  const found = useComputed(() => marks(call, index));

  function choose(event: MouseEvent): void {
    const number = Number((event.target as HTMLElement).closest<HTMLElement>("[data-word]")?.dataset["word"] ?? -1);
    const word = row.words[number];
    if (!word) return;
    if (call.editing.peek() || event.type === "dblclick") call.openWord({ row: index, word: number });
    else if (!getSelection()?.toString()) {
      call.cursor.value = { row: index, word: number };
      call.player.peek()?.playFrom(word.start);
    }
  }

  return (
    <p class="words" lang={row.language} onClick={choose} onDblClick={choose}>
      {row.words.map((word, number) => [
        number > 0 ? row.gap : "",
        open.value === number ? (
          <Editor key={`editor${number}`} call={call} row={row} number={number} word={word} />
        ) : (
          <span
            key={number}
            data-word={number}
            class={classOf(word, number === said.value, number === cursor.value, found.value.get(number))}
            title={titleOf(word)}
          >
            {word.text || t("word_erased")}
          </span>
        ),
      ])}
    </p>
  );
}

/** The words of a row that the search has found: those of the match that is shown are marked more. */
function marks(call: CallState, index: number): Map<number, "found" | "shown"> {
  const marked = new Map<number, "found" | "shown">();
  const shown = call.matches.value[call.match.value];
  const length = Math.max(1, call.wanted.value.trim().split(/\s+/).length);
  for (const spot of call.matches.value) {
    if (spot.row > index) break;
    if (spot.row < index) continue;
    for (let word = spot.word; word < spot.word + length; word += 1) {
      marked.set(word, spot === shown ? "shown" : (marked.get(word) ?? "found"));
    }
  }
  return marked;
}

function classOf(word: Word, said: boolean, cursor: boolean, found: string | undefined): string {
  const names = ["word"];
  if (word.fixed) names.push(word.text ? "fixed" : "erased");
  else if (word.confidence < UNSURE) names.push("unsure");
  if (said) names.push("now");
  if (cursor) names.push("cursor-word");
  if (found) names.push(found);
  return names.join(" ");
}

function titleOf(word: Word): string | undefined {
  if (word.fixed) return t("was", { text: word.heard });
  return word.confidence < UNSURE ? t("confidence", { percent: percent(word.confidence) }) : undefined;
}

interface EditorProps {
  call: CallState;
  row: Row;
  number: number;
  word: Word;
}

/** A word being corrected, in its place. Enter keeps it, Escape does not. */
function Editor({ call, row, number, word }: EditorProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(word.text);
  const done = useRef(false);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);

  function finish(keep: boolean): void {
    if (done.current) return;
    done.current = true;
    const back = input.current?.closest<HTMLElement>(".row");
    call.open.value = null;
    back?.focus({ preventScroll: true });
    if (keep && text.trim() !== word.text) void call.fixWord(row, number, text);
  }

  return (
    <input
      ref={input}
      class="editor"
      value={text}
      size={Math.max(2, text.length)}
      maxLength={200}
      aria-label={t("edit_word", { word: word.text })}
      onInput={(event) => setText(event.currentTarget.value)}
      onBlur={() => finish(true)}
      onClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") finish(true);
        if (event.key === "Escape") finish(false);
      }}
    />
  );
}

import type { Annotation, Corrections, Evidence, FoundContact } from "../api/types";

/** Languages that are written without blanks between words, as the server joins them. */
const UNSPACED = new Set(["zh", "ja", "th", "lo", "my", "yue"]);
/** Words below this are marked. */
export const UNSURE = 0.5;
/** Colours of speakers before they repeat. */
export const COLOURS = 8;

export interface Word {
  /** As it is shown: corrected where it was. */
  text: string;
  /** What the machine wrote. */
  heard: string;
  start: number;
  end: number;
  confidence: number;
  fixed: boolean;
}

/** A segment: words that one speaker says in a row. */
export interface Row {
  /** Where the machine's version has it. */
  speakerId: string;
  segment: number;
  /** Who said it: corrected where it was. */
  speaker: string;
  start: number;
  end: number;
  language: string;
  gap: string;
  words: Word[];
}

const place = (speaker: string, segment: number): string => `${speaker}/${segment}`;

/** All segments in time order, corrected. */
export function rowsOf(annotation: Annotation, corrections: Corrections | null): Row[] {
  const saidBy = new Map((corrections?.segments ?? []).map((one) => [place(one.speaker_id, one.segment), one.said_by]));
  const texts = new Map(
    (corrections?.words ?? []).map((one) => [`${place(one.speaker_id, one.segment)}/${one.word}`, one.text]),
  );
  const rows = annotation.speakers.flatMap((speaker) =>
    speaker.segments.map((segment, number): Row => {
      const key = place(speaker.speaker_id, number);
      return {
        speakerId: speaker.speaker_id,
        segment: number,
        speaker: saidBy.get(key) ?? speaker.speaker_id,
        start: segment.start_time,
        end: segment.end_time,
        language: segment.language,
        gap: UNSPACED.has(segment.language) ? "" : " ",
        words: segment.words.map((word, index): Word => {
          const text = texts.get(`${key}/${index}`);
          return {
            text: text ?? word.word,
            heard: word.word,
            start: word.start_time,
            end: word.end_time,
            confidence: word.confidence,
            fixed: text !== undefined,
          };
        }),
      };
    }),
  );
  return rows.sort((one, other) => one.start - other.start || one.end - other.end);
}

/** One speaker as the page shows it. */
export interface Person {
  id: string;
  /** Counted from 1. */
  number: number;
  colour: number;
  /** Given by hand, or of the voice that was recognised; null where nobody knows. */
  name: string | null;
  byHand: boolean;
  /** Of the recognition. */
  confidence: number;
  /** What the name, or a suggestion, rests on. */
  evidence: readonly Evidence[];
  contact: FoundContact | null;
  /** Seconds. */
  speech: number;
  words: number;
  /** Whether the machine knows this speaker; others were added by hand. */
  heard: boolean;
}

/** All speakers, those that were added by hand at the end. */
export function peopleOf(annotation: Annotation, corrections: Corrections | null, rows: readonly Row[]): Person[] {
  const names = new Map((corrections?.speakers ?? []).map((one) => [one.speaker_id, one.name]));
  const ids = new Set([...annotation.speakers.map((speaker) => speaker.speaker_id), ...rows.map((row) => row.speaker)]);
  const heard = new Map(annotation.speakers.map((speaker) => [speaker.speaker_id, speaker]));
  return [...ids].map((id, index) => {
    const speaker = heard.get(id);
    const recognised = speaker?.identified_as && speaker.identified_as !== "unknown" ? speaker.identified_as : null;
    const own = rows.filter((row) => row.speaker === id);
    return {
      id,
      number: Number(id.replace(/^\D+/, "")) || index + 1,
      colour: (index % COLOURS) + 1,
      name: names.get(id) ?? recognised,
      byHand: names.has(id),
      confidence: speaker?.confidence ?? 0,
      evidence: speaker?.evidence ?? [],
      contact: speaker?.contact ?? null,
      speech: own.reduce((sum, row) => sum + row.end - row.start, 0),
      words: own.reduce((sum, row) => sum + row.words.length, 0),
      heard: speaker !== undefined,
    };
  });
}

/** The row that is said at a time: the last one that has begun. -1 before the first. */
export function rowAt(rows: readonly Row[], time: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.start ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  // Where two speak at once, a long segment that still goes on is not left for a short one that is over.
  for (let index = low - 1; index >= Math.max(0, low - 8); index -= 1) {
    if ((rows[index]?.end ?? 0) >= time) return index;
  }
  return low - 1;
}

/** The word of a row that is said at a time, -1 where none has begun. */
export function wordAt(row: Row | undefined, time: number): number {
  if (!row || time > row.end + 0.25) return -1;
  let found = -1;
  row.words.forEach((word, index) => {
    if (word.start <= time + 0.02) found = index;
  });
  return found;
}

/** A word by its row and its place there. */
export interface Spot {
  row: number;
  word: number;
}

/** Every place where the words, put together, have the text; case does not matter. */
export function search(rows: readonly Row[], text: string): Spot[] {
  const wanted = text.trim().toLocaleLowerCase();
  if (!wanted) return [];
  const spots: Spot[] = [];
  rows.forEach((row, number) => {
    let whole = "";
    const starts = row.words.map((word) => {
      const start = whole.length;
      whole += word.text.toLocaleLowerCase() + row.gap;
      return start;
    });
    for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
      const word = starts.findLastIndex((start) => start <= at);
      if (word >= 0) spots.push({ row: number, word });
    }
  });
  return spots;
}

/** The next word after a spot that the machine was not sure of and nobody has corrected; it starts over at the end. */
export function nextUnsure(rows: readonly Row[], after: Spot): Spot | null {
  for (let step = 0; step <= rows.length; step += 1) {
    const number = (Math.max(0, after.row) + step) % rows.length;
    const from = step === 0 ? after.word + 1 : 0;
    const word = rows[number]?.words.findIndex(
      (one, index) => index >= from && one.confidence < UNSURE && !one.fixed,
    );
    if (word !== undefined && word >= 0) return { row: number, word };
  }
  return null;
}

/** Names a row, whoever said it. */
export const rowKey = (row: Row): string => place(row.speakerId, row.segment);

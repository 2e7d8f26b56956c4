import type { LiveServerMessage } from "callannotate-client";

/** One segment of a live call. */
export interface Line {
  id: string;
  start: number;
  text: string;
  language: string;
  speaker: string | null;
  final: boolean;
}

/** What has been said so far: lines in time order, and the names that speakers turned out to have. */
export interface Talk {
  lines: Line[];
  names: Readonly<Record<string, string>>;
}

export const SILENCE: Talk = { lines: [], names: {} };

/** The talk after another message. */
export function after(talk: Talk, message: LiveServerMessage): Talk {
  if (message.type === "transcript.partial" || message.type === "transcript.final") {
    const line: Line = {
      id: message.segment_id,
      start: message.start_ms / 1000,
      text: message.text,
      language: message.type === "transcript.final" ? message.language : "",
      speaker: message.speaker_id,
      final: message.type === "transcript.final",
    };
    const others = talk.lines.filter(({ id }) => id !== line.id);
    // An empty final takes back what turned out to be no speech.
    const lines = line.text ? [...others, line].sort((one, other) => one.start - other.start) : others;
    return { ...talk, lines };
  }
  if (message.type === "speaker.updated") {
    const speakers = new Map(message.updates.flatMap((update) => update.segment_ids.map((id) => [id, update.speaker_id])));
    const named = message.updates.filter((update) => update.name !== null);
    return {
      lines: talk.lines.map((line) => ({ ...line, speaker: speakers.get(line.id) ?? line.speaker })),
      names: { ...talk.names, ...Object.fromEntries(named.map((update) => [update.speaker_id, update.name ?? ""])) },
    };
  }
  return talk;
}

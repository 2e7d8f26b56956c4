import { computed, signal } from "@preact/signals";
import { CallAnnotateError } from "callannotate-client";
import { ask, told } from "../api/client";
import type { Corrections, CorrectionsUpdate } from "../api/types";
import { t } from "../i18n";
import { announce } from "../parts/announce";

/** What people have corrected in one call: kept on the server beside the machine's version, and taken back one by one. */
export class Corrector {
  readonly corrections = signal<Corrections | null>(null);
  /** What came of the last change, where it has to be said. */
  readonly note = signal("");
  /** A change that did not reach the server; nobody has to write it again. */
  readonly unsaved = signal<CorrectionsUpdate | null>(null);
  /** Ways back, the last change last. */
  readonly undoable = signal<CorrectionsUpdate[]>([]);
  readonly count = computed(() => {
    const { speakers = [], segments = [], words = [] } = this.corrections.value ?? {};
    return speakers.length + segments.length + words.length;
  });
  private etag = "";
  /** One change after the other: each rests on the one before. */
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly address: string,
    private readonly leaving: AbortSignal,
  ) {}

  async load(): Promise<void> {
    try {
      const response = await ask(this.address, { signal: this.leaving });
      this.etag = response.headers.get("ETag") ?? "";
      this.corrections.value = (await response.json()) as Corrections;
    } catch (error) {
      // A call that is not done yet has none.
      if (!(error instanceof CallAnnotateError && error.status === 409)) throw error;
    }
  }

  /** Change some; where somebody else has changed them meanwhile, theirs are loaded and this is tried again. */
  correct(update: CorrectionsUpdate): Promise<void> {
    return this.inLine(async () => {
      const back = inverse(update, this.corrections.peek());
      if (await this.tried(update)) this.undoable.value = [...this.undoable.peek(), back];
    });
  }

  /** Take the last change back. */
  undo(): Promise<void> {
    return this.inLine(async () => {
      const last = this.undoable.peek().at(-1);
      if (last && (await this.tried(last))) this.undoable.value = this.undoable.peek().slice(0, -1);
    });
  }

  /** Send what could not be sent. */
  retry(): Promise<void> {
    const update = this.unsaved.peek();
    return update ? this.correct(update) : Promise.resolve();
  }

  /** Everything is the machine's again. */
  takeBackAll(): Promise<void> {
    return this.inLine(async () => {
      const { speakers = [], segments = [], words = [] } = this.corrections.peek() ?? {};
      try {
        await ask(this.address, { method: "DELETE" });
        await this.load();
        this.undoable.value = [...this.undoable.peek(), { speakers, segments, words }];
      } catch (error) {
        this.note.value = told(error);
      }
    });
  }

  private inLine(change: () => Promise<void>): Promise<void> {
    this.writing = this.writing.then(change);
    return this.writing;
  }

  /** Whether the change has been made. */
  private async tried(update: CorrectionsUpdate): Promise<boolean> {
    this.note.value = "";
    this.unsaved.value = null;
    try {
      await this.send(update);
      announce(t("saved"));
      return true;
    } catch (error) {
      if (error instanceof CallAnnotateError && error.status === 412) return this.afterOthers(update);
      this.note.value = told(error);
      this.unsaved.value = update;
      return false;
    }
  }

  private async afterOthers(update: CorrectionsUpdate): Promise<boolean> {
    try {
      await this.load();
      await this.send(update);
      this.note.value = t("changed_elsewhere");
      return true;
    } catch (error) {
      this.note.value = told(error);
      this.unsaved.value = update;
      return false;
    }
  }

  private async send(update: CorrectionsUpdate): Promise<void> {
    const response = await ask(this.address, {
      method: "PATCH",
      body: update,
      headers: this.etag ? { "If-Match": this.etag } : {},
    });
    this.etag = response.headers.get("ETag") ?? "";
    this.corrections.value = (await response.json()) as Corrections;
  }
}

/** The change that makes another one as if it had not been. */
function inverse(update: CorrectionsUpdate, now: Corrections | null): CorrectionsUpdate {
  const { speakers = [], segments = [], words = [] } = now ?? {};
  return {
    speakers: (update.speakers ?? []).map(({ speaker_id }) => ({
      speaker_id,
      name: speakers.find((one) => one.speaker_id === speaker_id)?.name ?? null,
    })),
    segments: (update.segments ?? []).map(({ speaker_id, segment }) => ({
      speaker_id,
      segment,
      said_by: segments.find((one) => one.speaker_id === speaker_id && one.segment === segment)?.said_by ?? null,
    })),
    words: (update.words ?? []).map(({ speaker_id, segment, word }) => ({
      speaker_id,
      segment,
      word,
      text:
        words.find((one) => one.speaker_id === speaker_id && one.segment === segment && one.word === word)?.text ?? null,
    })),
  };
}

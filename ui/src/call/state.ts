import { computed, signal } from "@preact/signals";
import { ApiError, ask, get, told } from "../api/client";
import type { Annotation, Corrections, CorrectionsUpdate, Job, Voice, Waveform } from "../api/types";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import { type Person, type Row, type Spot, nextUnsure, peopleOf, rowAt, rowsOf, search, wordAt } from "./model";
import { Player } from "./player";

/** Everything that is known of one call, and what is being done with it. */
export class CallState {
  readonly job = signal<Job | null>(null);
  readonly annotation = signal<Annotation | null>(null);
  readonly corrections = signal<Corrections | null>(null);
  readonly waveform = signal<Waveform | null>(null);
  readonly player = signal<Player | null>(null);
  readonly problem = signal("");
  readonly note = signal("");
  readonly following = signal(true);
  readonly editing = signal(false);
  readonly wanted = signal("");
  readonly match = signal(0);
  /** The word that the keyboard is at. */
  readonly cursor = signal<Spot>({ row: 0, word: 0 });
  /** The word that is being corrected. */
  readonly open = signal<Spot | null>(null);
  readonly matches = computed<Spot[]>(() => search(this.rows.value, this.wanted.value));
  private etag = "";
  /** One change after the other: each rests on the one before. */
  private writing: Promise<void> = Promise.resolve();
  private readonly leaving = new AbortController();

  readonly rows = computed<Row[]>(() => {
    const annotation = this.annotation.value;
    return annotation ? rowsOf(annotation, this.corrections.value) : [];
  });

  readonly people = computed<Person[]>(() => {
    const annotation = this.annotation.value;
    return annotation ? peopleOf(annotation, this.corrections.value, this.rows.value) : [];
  });

  readonly personOf = computed(() => new Map(this.people.value.map((person) => [person.id, person])));

  /** The row that is being said. */
  readonly saidRow = computed(() => rowAt(this.rows.value, this.player.value?.time.value ?? 0));

  /** The word of that row that is being said. */
  readonly saidWord = computed(() =>
    wordAt(this.rows.value[this.saidRow.value], this.player.value?.time.value ?? 0),
  );

  readonly correctionCount = computed(() => {
    const { speakers = [], segments = [], words = [] } = this.corrections.value ?? {};
    return speakers.length + segments.length + words.length;
  });

  constructor(readonly id: string) {}

  get address(): string {
    return `/api/v1/jobs/${this.id}`;
  }

  async load(): Promise<void> {
    const { signal } = this.leaving;
    try {
      const [job] = await Promise.all([
        get<Job>(`${this.address}?include=result`, signal),
        this.loadCorrections(),
      ]);
      this.job.value = job;
      if (!job.result) {
        this.problem.value = job.error?.message ?? t(job.status);
        return;
      }
      this.player.value = new Player(`${this.address}/audio`, job.result.metadata.total_duration);
      this.annotation.value = job.result;
      this.waveform.value = await get<Waveform>(`${this.address}/peaks`, signal);
    } catch (error) {
      if (!signal.aborted) this.problem.value = told(error);
    }
  }

  close(): void {
    this.leaving.abort();
    this.player.peek()?.close();
  }

  /** The name of a speaker as it is shown. */
  nameOf(id: string): string {
    const person = this.personOf.value.get(id);
    return person?.name ?? t("speaker_n", { n: person?.number ?? id.replace(/^\D+/, "") });
  }

  /** Change corrections; where somebody else has changed them meanwhile, theirs are loaded and this is tried again. */
  correct(update: CorrectionsUpdate): Promise<void> {
    this.writing = this.writing.then(() => this.correctNow(update));
    return this.writing;
  }

  private async correctNow(update: CorrectionsUpdate): Promise<void> {
    this.note.value = "";
    try {
      await this.send(update);
      announce(t("saved"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        await this.loadCorrections();
        await this.send(update).catch((again: unknown) => {
          this.note.value = told(again);
        });
        this.note.value ||= t("changed_elsewhere");
      } else {
        this.note.value = told(error);
      }
    }
  }

  async takeBackAll(): Promise<void> {
    try {
      await ask(`${this.address}/corrections`, { method: "DELETE" });
      await this.loadCorrections();
    } catch (error) {
      this.note.value = told(error);
    }
  }

  /** Remember the voice of a speaker; raises ApiError. */
  async enrol(speaker: string, name: string): Promise<Voice> {
    const response = await ask(`${this.address}/speakers/${speaker}/enrol`, { method: "POST", body: { name } });
    return (await response.json()) as Voice;
  }

  nameSpeaker(speaker: string, name: string): Promise<void> {
    return this.correct({ speakers: [{ speaker_id: speaker, name: name.trim() || null }] });
  }

  sayWho(row: Row, speaker: string): Promise<void> {
    const said_by = speaker === row.speakerId ? null : speaker;
    return this.correct({ segments: [{ speaker_id: row.speakerId, segment: row.segment, said_by }] });
  }

  fixWord(row: Row, index: number, text: string): Promise<void> {
    const heard = row.words[index]?.heard;
    const fixed = text.trim();
    return this.correct({
      words: [{ speaker_id: row.speakerId, segment: row.segment, word: index, text: fixed === heard ? null : fixed }],
    });
  }

  /** Go to the next match, or the one before. */
  stepMatch(step: number): void {
    const count = this.matches.peek().length;
    if (count > 0) this.match.value = (this.match.peek() + step + count) % count;
  }

  /** Go to the next word that the machine was not sure of. */
  stepUnsure(): void {
    const found = nextUnsure(this.rows.peek(), this.cursor.peek());
    if (found) this.cursor.value = found;
    else announce(t("unsure_none"));
  }

  private async send(update: CorrectionsUpdate): Promise<void> {
    const response = await ask(`${this.address}/corrections`, {
      method: "PATCH",
      body: update,
      headers: this.etag ? { "If-Match": this.etag } : {},
    });
    this.etag = response.headers.get("ETag") ?? "";
    this.corrections.value = (await response.json()) as Corrections;
  }

  private async loadCorrections(): Promise<void> {
    try {
      const response = await ask(`${this.address}/corrections`, { signal: this.leaving.signal });
      this.etag = response.headers.get("ETag") ?? "";
      this.corrections.value = (await response.json()) as Corrections;
    } catch (error) {
      // A call that is not done yet has none.
      if (!(error instanceof ApiError && error.status === 409)) throw error;
    }
  }
}

import { computed, signal } from "@preact/signals";
import { ask, get, told } from "../api/client";
import { follow } from "../api/jobs";
import type { Annotation, Job, Voice, Waveform } from "../api/types";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import { Corrector } from "./corrector";
import { type Person, type Row, type Spot, nextUnsure, peopleOf, rowAt, rowsOf, search, wordAt } from "./model";
import { Player } from "./player";

/** Everything that is known of one call, and what is being done with it. */
export class CallState {
  readonly job = signal<Job | null>(null);
  readonly annotation = signal<Annotation | null>(null);
  readonly waveform = signal<Waveform | null>(null);
  readonly player = signal<Player | null>(null);
  readonly problem = signal("");
  readonly following = signal(true);
  readonly editing = signal(false);
  /** Whether the machine's version is shown as it was before the corrections. */
  readonly asHeard = signal(false);
  readonly wanted = signal("");
  readonly match = signal(0);
  /** The word that the keyboard is at. */
  readonly cursor = signal<Spot>({ row: 0, word: 0 });
  /** The word that is being corrected. */
  readonly open = signal<Spot | null>(null);
  readonly matches = computed<Spot[]>(() => search(this.rows.value, this.wanted.value));
  readonly corrector: Corrector;
  private readonly leaving = new AbortController();
  private unfollow: (() => void) | null = null;

  /** The corrections that are shown. */
  private readonly shown = computed(() => (this.asHeard.value ? null : this.corrector.corrections.value));

  readonly rows = computed<Row[]>(() => {
    const annotation = this.annotation.value;
    return annotation ? rowsOf(annotation, this.shown.value) : [];
  });

  readonly people = computed<Person[]>(() => {
    const annotation = this.annotation.value;
    return annotation ? peopleOf(annotation, this.shown.value, this.rows.value) : [];
  });

  readonly personOf = computed(() => new Map(this.people.value.map((person) => [person.id, person])));

  /** The row that is being said. */
  readonly saidRow = computed(() => rowAt(this.rows.value, this.player.value?.time.value ?? 0));

  /** The word of that row that is being said. */
  readonly saidWord = computed(() =>
    wordAt(this.rows.value[this.saidRow.value], this.player.value?.time.value ?? 0),
  );

  constructor(readonly id: string) {
    this.corrector = new Corrector(`${this.address}/corrections`, this.leaving.signal);
  }

  get address(): string {
    return `/api/v1/jobs/${this.id}`;
  }

  async load(): Promise<void> {
    const { signal } = this.leaving;
    this.problem.value = "";
    try {
      const job = await get<Job>(`${this.address}?include=result`, signal);
      this.job.value = job;
      if (job.status === "queued" || job.status === "processing") this.watch();
      if (!job.result) return;
      await this.corrector.load();
      this.player.value = new Player(`${this.address}/audio`, job.result.metadata.total_duration);
      this.annotation.value = job.result;
      this.waveform.value = await get<Waveform>(`${this.address}/peaks`, signal);
    } catch (error) {
      if (!signal.aborted) this.problem.value = told(error);
    }
  }

  close(): void {
    this.leaving.abort();
    this.unfollow?.();
    this.player.peek()?.close();
  }

  /** The name of a speaker as it is shown. */
  nameOf(id: string): string {
    const person = this.personOf.value.get(id);
    return person?.name ?? t("speaker_n", { n: person?.number ?? id.replace(/^\D+/, "") });
  }

  /** Remember the voice of a speaker, as a new voice or as another sample of a known one; raises CallAnnotateError. */
  async enrol(speaker: string, voice: { name: string } | { voice_id: string }): Promise<Voice> {
    const response = await ask(`${this.address}/speakers/${speaker}/enrol`, { method: "POST", body: voice });
    return (await response.json()) as Voice;
  }

  nameSpeaker(speaker: string, name: string): Promise<void> {
    this.asHeard.value = false;
    return this.corrector.correct({ speakers: [{ speaker_id: speaker, name: name.trim() || null }] });
  }

  /** Give a row to a speaker, who may be new and have a name. */
  sayWho(row: Row, speaker: string, name = ""): Promise<void> {
    const said_by = speaker === row.speakerId ? null : speaker;
    return this.corrector.correct({
      segments: [{ speaker_id: row.speakerId, segment: row.segment, said_by }],
      ...(name.trim() ? { speakers: [{ speaker_id: speaker, name: name.trim() }] } : {}),
    });
  }

  fixWord(row: Row, index: number, text: string): Promise<void> {
    const heard = row.words[index]?.heard;
    const fixed = text.trim();
    return this.corrector.correct({
      words: [{ speaker_id: row.speakerId, segment: row.segment, word: index, text: fixed === heard ? null : fixed }],
    });
  }

  /** Correct a word where the corrected version is shown. */
  openWord(spot: Spot): void {
    if (this.asHeard.peek()) announce(t("as_heard_hint"));
    else this.open.value = spot;
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

  /** Follow a job that is not done yet, and show its result once it is. */
  private watch(): void {
    this.unfollow ??= follow(this.id, (message) => {
      const job = this.job.peek();
      if (message.type === "status_update" && job) {
        this.job.value = { ...job, status: message.status, progress: message.progress };
      } else if (message.type === "result" || message.type === "error") void this.load();
    });
  }
}

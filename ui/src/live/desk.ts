import { CallAnnotateError, type Live, type LivePhase, type LiveServerMessage } from "callannotate-client";
import { signal } from "@preact/signals";
import { ask, server, told } from "../api/client";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import { type Frame, Microphone } from "./microphone";
import { SILENCE, type Talk, after } from "./talk";

type Phase = "idle" | LivePhase;

/** Why there is no microphone, and what to do. */
function refusedBy(error: DOMException): string {
  if (!isSecureContext) return t("live_insecure");
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return t("live_not_allowed");
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return t("live_not_found");
  if (error.name === "NotReadableError" || error.name === "AbortError") return t("live_in_use");
  return t("live_no_microphone", { reason: error.message });
}

/** Why there is no session any more. */
function endedBy(error: unknown): string {
  const code = error instanceof CallAnnotateError ? error.code : "";
  if (code === "UNREACHABLE") return t("live_refused");
  if (code === "SESSION_LOST") return t("live_lost");
  return t("live_failed", { reason: told(error) });
}

/** The microphone, the session that it speaks into, and what has been heard. */
export class Desk {
  readonly phase = signal<Phase>("idle");
  readonly talk = signal<Talk>(SILENCE);
  /** Of the microphone, 0 to 1. */
  readonly level = signal(0);
  readonly problem = signal("");
  /** How far the result is, once there is no more audio. */
  readonly progress = signal<number | null>(null);
  /** How often the session went on over a new connection. */
  readonly resumes = signal(0);
  /** The job as which the call was kept. */
  readonly kept = signal<string | null>(null);
  readonly language = signal("");
  readonly save = signal(true);
  private live: Live | null = null;
  private microphone: Microphone | null = null;
  private left = false;

  async start(): Promise<void> {
    this.talk.value = SILENCE;
    this.kept.value = null;
    this.problem.value = "";
    this.progress.value = null;
    this.resumes.value = 0;
    this.live = null;
    try {
      this.microphone = await Microphone.open((frame) => this.hear(frame));
    } catch (error) {
      this.problem.value = refusedBy(error as DOMException);
      return;
    }
    if (this.left) return this.release();
    const start = {
      audio: { encoding: "pcm_s16le" as const, sample_rate: this.microphone.rate, channels: 1 },
      language: this.language.peek() || null,
      recognise: true,
      save: this.save.peek(),
    };
    const phase = (now: Phase) => {
      this.phase.value = now;
    };
    this.live = server.live(start, { phase });
    phase(this.live.phase);
    await this.listen(this.live);
  }

  pause(): void {
    this.live?.pause();
  }

  resume(): void {
    this.live?.resume();
  }

  /** No more audio; the result follows. */
  stop(): void {
    this.live?.end();
    this.release();
  }

  /** Leave the page. */
  close(): void {
    this.left = true;
    this.release();
    this.live?.close();
  }

  private hear({ data, level }: Frame): void {
    this.level.value = level;
    this.live?.offer(data);
    if (this.live?.lost) this.problem.value = t("live_overrun", { n: Math.ceil(this.live.lost) });
  }

  private async listen(live: Live): Promise<void> {
    try {
      for await (const message of live) {
        this.heard(message);
        if (message.type === "session.ended") break;
      }
    } catch (error) {
      this.problem.value = endedBy(error);
      // Browsers do not say why a connection was refused; where it was for want of a key, this answer does.
      ask("/api/v1/login").catch(() => undefined);
    } finally {
      this.release();
    }
  }

  private heard(message: LiveServerMessage): void {
    this.talk.value = after(this.talk.peek(), message);
    if (message.type === "transcript.final") announce(message.text);
    else if (message.type === "audio.ack") this.progress.value = message.result_progress;
    else if (message.type === "session.resumed") this.resumes.value += 1;
    else if (message.type === "session.ended") this.kept.value = message.job_id;
  }

  private release(): void {
    this.microphone?.close();
    this.microphone = null;
    this.level.value = 0;
  }
}

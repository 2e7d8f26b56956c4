import { signal } from "@preact/signals";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import type { LiveMessage } from "./messages";
import { Microphone } from "./microphone";
import { LiveSession } from "./session";
import { SILENCE, type Talk, after } from "./talk";

/** Why there is no microphone, and what to do. */
function refusedBy(error: DOMException): string {
  if (!isSecureContext) return t("live_insecure");
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return t("live_not_allowed");
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return t("live_not_found");
  if (error.name === "NotReadableError" || error.name === "AbortError") return t("live_in_use");
  return t("live_no_microphone", { reason: error.message });
}

/** The microphone, the session that it speaks into, and what has been heard. */
export class Desk {
  readonly talk = signal<Talk>(SILENCE);
  readonly session = signal<LiveSession | null>(null);
  /** Of the microphone, 0 to 1. */
  readonly level = signal(0);
  readonly problem = signal("");
  /** The job as which the call was kept. */
  readonly kept = signal<string | null>(null);
  readonly language = signal("");
  readonly save = signal(true);
  private microphone: Microphone | null = null;

  async start(): Promise<void> {
    this.talk.value = SILENCE;
    this.kept.value = null;
    this.problem.value = "";
    try {
      this.microphone = await Microphone.open(({ data, level }) => {
        this.level.value = level;
        this.session.peek()?.write(data);
      });
    } catch (error) {
      this.problem.value = refusedBy(error as DOMException);
      return;
    }
    const options = { rate: this.microphone.rate, language: this.language.peek(), save: this.save.peek() };
    const session = new LiveSession(options, (message) => this.heard(message), () => this.release());
    this.session.value = session;
    session.start();
  }

  /** No more audio; the result follows. */
  stop(): void {
    this.session.peek()?.finish();
    this.release();
  }

  /** Leave the page. */
  close(): void {
    this.release();
    this.session.peek()?.close();
  }

  private heard(message: LiveMessage): void {
    this.talk.value = after(this.talk.peek(), message);
    if (message.type === "transcript.final") announce(message.text);
    if (message.type === "session.ended") this.kept.value = message.job_id;
  }

  private release(): void {
    this.microphone?.close();
    this.microphone = null;
    this.level.value = 0;
  }
}

import { signal } from "@preact/signals";
import { ask, socketUrl } from "../api/client";
import { t } from "../i18n";
import type { LiveMessage } from "./messages";
import { Tape } from "./tape";

export type Phase =
  | "idle"
  | "connecting"
  | "listening"
  | "paused"
  | "reconnecting"
  | "finishing"
  | "ended"
  | "failed";

/** Seconds of audio that are kept while nothing is acknowledged. */
const KEPT = 90;
/** Milliseconds without a connection after which the session counts as lost. */
const PATIENCE = 60_000;
const FIRST_WAIT = 200;
const LONGEST_WAIT = 5000;
/** Share of what may be on its way unacknowledged. */
const WINDOW = 0.8;
const BYTES_PER_SAMPLE = 2;

export interface LiveOptions {
  rate: number;
  language: string;
  save: boolean;
}

/** One live session over as many connections as it takes: no word is lost, none is doubled. */
export class LiveSession {
  readonly phase = signal<Phase>("idle");
  readonly problem = signal("");
  readonly progress = signal<number | null>(null);
  readonly resumes = signal(0);
  private socket: WebSocket | null = null;
  private started: Extract<LiveMessage, { type: "session.started" }> | null = null;
  private readonly tape: Tape;
  private readonly window: { bytes: number };
  private lastSeq = 0;
  private position = 0;
  private acknowledged = 0;
  private held = false;
  private finished = false;
  private said = false;
  private open = false;
  private wait = FIRST_WAIT;
  private lostAt = 0;
  private timer = 0;
  private alive = 0;

  constructor(
    private readonly options: LiveOptions,
    private readonly heard: (message: LiveMessage) => void,
    /** Called once nothing is listened to any more. */
    private readonly over: () => void,
  ) {
    const second = options.rate * BYTES_PER_SAMPLE;
    this.tape = new Tape(KEPT * second);
    this.window = { bytes: WINDOW * 10 * second };
  }

  start(): void {
    this.phase.value = "connecting";
    this.connect();
  }

  /** Audio of the microphone. */
  write(frame: ArrayBuffer): void {
    if (this.finished || this.held) return;
    this.tape.write(frame);
    this.pump();
  }

  pause(): void {
    this.held = true;
    this.say({ type: "pause" });
    this.phase.value = "paused";
  }

  resume(): void {
    this.held = false;
    this.say({ type: "resume" });
    this.phase.value = "listening";
  }

  /** No more audio; the result follows. */
  finish(): void {
    if (this.held) this.resume();
    this.finished = true;
    this.phase.value = "finishing";
    this.pump();
  }

  /** Leave without waiting. */
  close(): void {
    this.end("ended");
  }

  /** Tear the connection, as a network that fails would. */
  cut(): void {
    this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(socketUrl("/v1/ws/transcribe"));
    this.socket = socket;
    this.open = false;
    socket.onopen = () => this.greet();
    socket.onmessage = ({ data }: MessageEvent<string>) => this.receive(JSON.parse(data) as LiveMessage);
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  private greet(): void {
    if (this.started) {
      const { session_id, resume_token } = this.started;
      this.say({ type: "session.resume", session_id, resume_token, last_seq: this.lastSeq });
      return;
    }
    const { rate, language, save } = this.options;
    this.say({
      type: "session.start",
      audio: { encoding: "pcm_s16le", sample_rate: rate, channels: 1 },
      language: language || null,
      recognise: true,
      save,
    });
  }

  private receive(message: LiveMessage): void {
    if (message.type === "session.started") {
      this.started = message;
      const second = this.options.rate * BYTES_PER_SAMPLE;
      this.window.bytes = (WINDOW * second * message.limits.max_unacked_ms) / 1000;
      this.opened();
    } else if (message.type === "session.resumed") {
      this.position = message.bytes_received;
      this.acknowledged = message.bytes_received;
      this.resumes.value += 1;
      this.opened();
    } else if (message.type === "audio.ack") {
      this.acknowledged = Math.max(this.acknowledged, message.bytes_received);
      this.progress.value = message.result_progress;
      this.tape.forget(this.acknowledged);
      this.pump();
    } else if (message.type === "error" && message.fatal) {
      this.refused(message);
      return;
    }
    if (message.seq <= this.lastSeq) return;
    this.lastSeq = message.seq;
    this.heard(message);
    if (message.type === "session.ended") this.end("ended");
  }

  private opened(): void {
    this.open = true;
    this.wait = FIRST_WAIT;
    this.lostAt = 0;
    this.said = false;
    this.phase.value = this.finished ? "finishing" : this.held ? "paused" : "listening";
    window.clearInterval(this.alive);
    const quiet = ((this.started?.limits.idle_timeout_s ?? 30) * 1000) / 3;
    this.alive = window.setInterval(() => this.say({ type: "keepalive" }), quiet);
    this.pump();
  }

  /** Send what was recorded, as far as the server takes it, and its end. */
  private pump(): void {
    if (!this.open || this.socket?.readyState !== WebSocket.OPEN) return;
    while (this.position - this.acknowledged < this.window.bytes) {
      const frame = this.tape.read(this.position);
      if (!frame) break;
      this.socket.send(frame);
      this.position += frame.byteLength;
    }
    if (this.finished && !this.said && this.position >= this.tape.end) {
      this.said = true;
      this.say({ type: "audio.end", bytes_sent: this.position });
    }
  }

  private say(message: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private refused(error: Extract<LiveMessage, { type: "error" }>): void {
    // A connection that is refused while the old one is still thought to be there is tried again.
    if (this.started && !this.open && error.retryable) return;
    if (error.code === "SHUTTING_DOWN" && this.started) return;
    this.problem.value = t("live_failed", { reason: `${error.message}. ${error.advice}` });
    this.end("failed");
  }

  private lost(): void {
    window.clearInterval(this.alive);
    this.open = false;
    if (this.phase.peek() === "ended" || this.phase.peek() === "failed") return;
    if (!this.started) {
      this.problem.value = t("live_refused");
      // Where it was for want of a key, the answer says so.
      ask("/api/v1/login").catch(() => undefined);
      this.end("failed");
      return;
    }
    this.lostAt ||= Date.now();
    if (Date.now() - this.lostAt > PATIENCE) {
      this.problem.value = t("unreachable");
      this.end("failed");
      return;
    }
    this.phase.value = "reconnecting";
    this.timer = window.setTimeout(() => this.connect(), this.wait * (0.5 + Math.random() / 2));
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
  }

  private end(phase: "ended" | "failed"): void {
    this.phase.value = phase;
    window.clearTimeout(this.timer);
    window.clearInterval(this.alive);
    this.socket?.close();
    this.over();
  }
}

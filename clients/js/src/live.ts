import { Line, socketAddress, type WebSocketFactory } from "./connection.js";
import { CallAnnotateError, liveEnded, NOT_READ, parsed, SESSION_LOST } from "./errors.js";
import { Pace } from "./pace.js";
import { Tape } from "./tape.js";
import { Delays, now, PATIENCE, Pulse, sleep } from "./timing.js";
import {
  BYTES_PER_SAMPLE,
  SHORTEST_FRAME_MS,
  type LiveClientMessage,
  type LiveError,
  type LiveServerMessage,
  type SessionEnded,
  type SessionStart,
  type SessionStarted,
} from "./types.js";

/** `session.start` without its `type`. */
export type LiveStart = Omit<SessionStart, "type">;
/** What may be said beside the audio; the rest is said by the methods of the session. */
export type LiveSaying = Exclude<
  LiveClientMessage,
  { type: "session.start" | "session.resume" | "pause" | "resume" | "audio.end" }
>;

/**
 * Where a session stands: `connecting` for the first time, `listening`, `paused`, `reconnecting` after a lost connection,
 * `finishing` while the result is made, `ended`, `failed`.
 */
export type LivePhase = "connecting" | "listening" | "paused" | "reconnecting" | "finishing" | "ended" | "failed";

/** How a session is held. */
export interface LiveOptions {
  /** Times real time that audio is sent at most; null: as fast as the server takes it, where it allows that. */
  speed?: number | null;
  /** Seconds without a connection after which the session counts as lost. */
  patience?: number;
  /** Is told when the connection is lost, and when it is back. */
  notice?: (text: string) => void;
  /** Is told every change of `phase`. */
  phase?: (phase: LivePhase) => void;
  /** Ends it without waiting. */
  signal?: AbortSignal;
}

const PATH = "/v1/ws/transcribe";
/** Seconds of audio that are kept while the server does not acknowledge them. */
const KEPT = 90;
/** Share of `max_unacked_ms` that is on its way at most, and by which audio is ahead of real time at most. */
const WINDOW = 0.8;
/** Messages that wait for their reader at most. */
const HELD = 10_000;
/** Errors that say that a session cannot be gone on with. */
const GONE = new Set(["UNKNOWN_SESSION", "SESSION_EXPIRED", "REPLAY_GONE"]);

/** Refusals of new sessions. A server lets in who comes back as soon as it misses them, which takes it two seconds. */
const FULL = new Set(["TOO_MANY_SESSIONS", "LIVE_OVERLOADED"]);

/** How a connection ended that did not end the session. */
interface Broken {
  cause: string;
  /** Seconds that the server asks for. */
  wait: number | null;
}

/**
 * One live session over as many connections as it takes: `for await (const message of live)`.
 *
 * Audio that the server has not acknowledged is kept, and sent again from where the server says; messages are asked for
 * from the last one that arrived, so that each comes once and in order.
 */
export class Live implements AsyncIterable<LiveServerMessage> {
  /** The last message, once it has come, with the result of the whole call. */
  ended: SessionEnded | null = null;
  /** How often the session went on over a new connection. */
  resumes = 0;
  /** Seconds of audio that were offered and found no room. */
  lost = 0;
  private readonly tape: Tape;
  private readonly unit: number;
  private readonly bytesPerSecond: number;
  private readonly waiting: LiveServerMessage[] = [];
  private readonly told = new Pulse();
  private readonly moved = new Pulse();
  private readonly stopping = new AbortController();
  private over = false;
  private failure: unknown = null;
  private toldPhase: LivePhase = "connecting";
  /** Whether audio may be sent over the connection. */
  private open = false;
  private session: SessionStarted | null = null;
  private line: Line | null = null;
  private readonly pace = new Pace();
  private lastSeq = 0;
  private acknowledged = 0;
  /** Bytes that were sent; goes back when the server asks for some again. */
  private position = 0;

  constructor(
    private readonly factory: WebSocketFactory,
    private readonly server: string,
    private readonly start: LiveStart,
    private readonly headers: Record<string, string>,
    private readonly options: LiveOptions = {},
  ) {
    const { encoding, channels, sample_rate } = start.audio;
    this.unit = BYTES_PER_SAMPLE[encoding] * channels;
    this.bytesPerSecond = this.unit * sample_rate;
    this.tape = new Tape(KEPT * this.bytesPerSecond, this.unit);
    if (options.signal?.aborted) this.fail(options.signal.reason);
    options.signal?.addEventListener("abort", () => this.fail(options.signal?.reason));
    this.run().then(
      () => this.finish(),
      (error: unknown) => this.fail(error),
    );
  }

  get phase(): LivePhase {
    if (this.failure !== null) return "failed";
    if (this.over || this.ended !== null) return "ended";
    if (this.session === null) return "connecting";
    if (!this.open) return "reconnecting";
    if (this.tape.finished) return "finishing";
    return this.tape.held ? "paused" : "listening";
  }

  /** Audio, in blocks of any length; resolves once there is room for it, and no sooner than a pause is over. */
  async write(audio: Uint8Array | ArrayBuffer): Promise<void> {
    await this.tape.write(audio instanceof Uint8Array ? audio : new Uint8Array(audio));
  }

  /** Audio of a source that cannot wait, such as a microphone; what is said during pauses is left out. */
  offer(audio: Uint8Array | ArrayBuffer): void {
    const taken = this.tape.offer(audio instanceof Uint8Array ? audio : new Uint8Array(audio));
    if (!taken && !this.tape.held && !this.tape.finished) this.lost += audio.byteLength / this.bytesPerSecond;
  }

  /** Stop the audio for a while: what was written before becomes final. */
  pause(): void {
    this.tape.hold(true);
    this.tell();
  }

  /** Go on after a pause. */
  resume(): void {
    this.tape.hold(false);
    this.tell();
  }

  /** There is no more audio: the last words and the result follow. */
  end(): void {
    this.tape.finish();
    this.tell();
  }

  /** All audio of a source, and its end; what the source throws is thrown where the messages are read. */
  async pipe(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    try {
      for await (const block of source) {
        if (this.over) return;
        await this.write(block);
      }
      this.end();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Send a message beside the audio, such as `finalize`; it is lost where there is no connection just then. */
  say(message: LiveSaying): void {
    this.line?.send(message);
  }

  /** Tear the connection as a network that fails would, and say whether there was one; for tests. */
  cut(): boolean {
    this.line?.cut();
    return this.line !== null;
  }

  /** Leave without waiting; the server keeps the session for a minute. */
  close(): void {
    this.finish();
  }

  /** Every message to the last one; throws what the session ended with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<LiveServerMessage, void, void> {
    try {
      for (;;) {
        const message = this.waiting.shift();
        if (message !== undefined) yield message;
        else if (this.failure !== null) throw this.failure;
        else if (this.over) return;
        else await this.told.wait();
      }
    } finally {
      this.finish();
    }
  }

  private fail(error: unknown): void {
    if (!this.over) this.failure = error;
    this.finish();
  }

  private finish(): void {
    this.over = true;
    this.stopping.abort();
    this.line?.close();
    this.told.fire();
    this.moved.fire();
    this.tape.finish();
    this.tell();
  }

  private tell(): void {
    const { phase } = this;
    if (phase === this.toldPhase) return;
    this.toldPhase = phase;
    this.options.phase?.(phase);
  }

  private async run(): Promise<void> {
    const delays = new Delays();
    let lostAt: number | null = null;
    while (!this.over) {
      const before = this.lastSeq;
      const broken = await this.connection();
      if (this.ended !== null || this.over) return;
      if (this.lastSeq > before) {
        lostAt = null;
        delays.reset();
      }
      lostAt ??= now();
      if (now() - lostAt > (this.options.patience ?? PATIENCE)) throw sessionLost(broken.cause);
      this.options.notice?.(`connection lost (${broken.cause}); connecting again`);
      this.tell();
      await sleep(delays.after(broken.wait), this.stopping.signal).catch(() => undefined);
    }
  }

  /** Connect and go on until the connection or the session ends. */
  private async connection(): Promise<Broken> {
    let line: Line;
    try {
      const url = socketAddress(this.server, PATH);
      const question = JSON.stringify({ type: "keepalive" });
      line = await Line.open(this.factory, url, this.headers, question, this.stopping.signal);
    } catch (error) {
      if (!(error instanceof CallAnnotateError)) throw error;
      // Nothing was opened, or there is no coming back, such as with a key that was revoked.
      if (this.session === null || (error.status !== null && !error.retryable)) throw error;
      if (error.status === null) return { cause: error.message, wait: null };
      return { cause: error.code, wait: FULL.has(error.code) ? null : error.retryAfter };
    }
    this.line = line;
    try {
      return this.over ? { cause: "closed", wait: null } : await this.converse(line);
    } finally {
      this.line = null;
      this.open = false;
      line.close();
    }
  }

  private async converse(line: Line): Promise<Broken> {
    line.send(
      this.session === null
        ? { ...this.start, type: "session.start" }
        : {
            type: "session.resume",
            session_id: this.session.session_id,
            resume_token: this.session.resume_token,
            last_seq: this.lastSeq,
          },
    );
    for await (const text of line.messages()) {
      const message = parsed<LiveServerMessage>(this.server, text);
      this.received(message);
      if (message.type === "error" && message.fatal) return this.failed(message);
      if ((message.type === "session.started" || message.type === "session.resumed") && !this.open) {
        this.open = true;
        this.send(line).catch((error: unknown) => this.fail(error));
      }
      this.tell();
    }
    return { cause: `code ${line.code} ${line.reason}`.trim(), wait: null };
  }

  private received(message: LiveServerMessage): void {
    if (message.type === "session.started") {
      this.session = message;
      this.pace.start();
    } else if (message.type === "session.resumed") {
      this.position = this.acknowledged = message.bytes_received;
      this.pace.resumed(message.bytes_received);
      this.resumes += 1;
      this.options.notice?.("connected again");
    } else if (message.type === "audio.ack") {
      this.acknowledged = Math.max(this.acknowledged, message.bytes_received);
      this.tape.forget(message.bytes_received);
      this.moved.fire();
    }
    // What a connection says before it has found the session counts from 1 by itself.
    if (message.seq <= this.lastSeq) return;
    this.lastSeq = message.seq;
    if (message.type === "session.ended") this.ended = message;
    if (this.waiting.length >= HELD) {
      throw new CallAnnotateError(NOT_READ, `${HELD} messages wait to be read`, { advice: "Read them as they come." });
    }
    this.waiting.push(message);
    this.told.fire();
  }

  /** Send audio as it is recorded and as the server takes it, then its end; keepalives where there is none. */
  private async send(line: Line): Promise<void> {
    const limits = this.session!.limits;
    const largest = limits.max_frame_bytes - (limits.max_frame_bytes % this.unit);
    const shortest = Math.ceil((SHORTEST_FRAME_MS * this.bytesPerSecond) / 1000 / this.unit) * this.unit;
    const ahead = (WINDOW * limits.max_unacked_ms) / 1000;
    const quiet = Math.max(0.1, limits.idle_timeout_s / 3);
    const going = (): boolean => line.code === null && !this.over;
    let [said, spoken] = [false, now()];
    while (going()) {
      const still = this.tape.held && this.tape.rest(this.position) === 0;
      const turn = said ? null : this.pace.turn(still, this.position);
      if (turn !== null) {
        line.send({ type: turn });
        spoken = now();
      } else if (this.position - this.acknowledged > ahead * this.bytesPerSecond) {
        await this.moved.wait(quiet);
      } else if (this.due(ahead) > 0) {
        await this.moved.wait(Math.min(quiet, this.due(ahead)));
      } else if (!said && this.tape.ready(this.position, Math.min(shortest, largest))) {
        const data = this.tape.read(this.position, largest);
        line.send(data.length > 0 ? data : { type: "audio.end", bytes_sent: this.position });
        this.position += data.length;
        [said, spoken] = [data.length === 0, now()];
      } else {
        await this.tape.changed.wait(quiet);
      }
      if (going() && now() - spoken >= quiet) {
        line.send({ type: "keepalive" });
        spoken = now();
      }
    }
  }

  /** Seconds until more audio may be sent, which is then no further ahead of real time than that. */
  private due(ahead: number): number {
    const { speed = 1 } = this.options;
    return speed === null ? 0 : this.pace.ahead(this.position / this.bytesPerSecond / speed) - ahead;
  }

  /** What a fatal error means; throws where that is the end. */
  private failed(error: LiveError): Broken {
    if (error.code === "SHUTTING_DOWN") return { cause: error.code, wait: 1 };
    if (this.session !== null && !this.open) {
      if (GONE.has(error.code)) throw sessionLost(error.message);
      if (error.retryable) return { cause: error.code, wait: (error.retry_after_ms ?? 0) / 1000 };
    }
    throw liveEnded(error);
  }
}

/** The session cannot be gone on with. */
function sessionLost(cause: string): CallAnnotateError {
  const advice = "What was told stays; start a new session for what follows.";
  const message = `the connection was lost and the session cannot be gone on with (${cause})`;
  return new CallAnnotateError(SESSION_LOST, message, { advice, details: { cause } });
}

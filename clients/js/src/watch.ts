import { Line, socketAddress, type WebSocketFactory } from "./connection.js";
import { CallAnnotateError, parsed, told, unreachable } from "./errors.js";
import { Delays, now, PATIENCE, sleep } from "./timing.js";
import type { ConnectionMessage, JobMessage } from "./types.js";

/** How a job is followed. */
export interface WatchOptions {
  /** Begin after the message with this number, instead of with the state as it is. */
  afterSeq?: number;
  /** Seconds without a connection after which it is given up. */
  patience?: number;
  /** Ends it. */
  signal?: AbortSignal;
}

const DONE = 1000;
/** Seconds after which a connection is one, also where there is nothing to tell: a job may wait for hours. */
const STEADY = 10;

/** Every message of the job, once and in order, to its last one. */
export async function* watch(
  factory: WebSocketFactory,
  server: string,
  jobId: string,
  headers: Record<string, string>,
  { afterSeq, patience = PATIENCE, signal }: WatchOptions,
  steady = STEADY,
): AsyncGenerator<JobMessage, void, void> {
  const delays = new Delays();
  let last = afterSeq;
  let lostAt: number | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const path = `/ws/${encodeURIComponent(jobId)}${last === undefined ? "" : `?after_seq=${last}`}`;
    const url = socketAddress(server, path);
    let problem = unreachable(url, "the connection was lost");
    let line: Line | null = null;
    const stop = (): void => line?.cut();
    let opened = Infinity;
    try {
      line = await Line.open(factory, url, headers, JSON.stringify({ type: "ping" }), signal);
      opened = now();
      signal?.addEventListener("abort", stop);
      if (signal?.aborted) stop();
      for await (const text of line.messages()) {
        const message = parsed<JobMessage | ConnectionMessage>(url, text);
        // MESSAGES_GONE and the like say why there is a gap; what ends the connection comes last.
        if (message.type === "error" && !("seq" in message)) problem = told(message.error);
        if (!("seq" in message) || (last !== undefined && message.seq <= last)) continue;
        last = message.seq;
        lostAt = null;
        delays.reset();
        // A later server may say more of a job than is known here.
        if (["status_update", "result", "error"].includes(message.type)) yield message;
        if (message.type === "result" || message.type === "error") return;
      }
      if (line.code === DONE) return;
    } catch (error) {
      if (!(error instanceof CallAnnotateError)) throw error;
      problem = error;
    } finally {
      signal?.removeEventListener("abort", stop);
      line?.close();
    }
    if (now() - opened >= steady) {
      lostAt = null;
      delays.reset();
    }
    lostAt ??= now();
    if (!problem.retryable || now() - lostAt > patience) throw problem;
    await sleep(delays.after(problem.retryAfter), signal);
  }
}

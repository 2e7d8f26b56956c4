import type { ErrorBody, ErrorDetail, JobFailure, LiveError } from "./types.js";

/** There was no answer. */
export const UNREACHABLE = "UNREACHABLE";
/** There was one that cannot be understood: another server, or something between. */
export const UNEXPECTED_ANSWER = "UNEXPECTED_ANSWER";
/** A live session whose connection was lost cannot be gone on with. */
export const SESSION_LOST = "SESSION_LOST";
/** Messages came and were not taken. */
export const NOT_READ = "NOT_READ";
/** What was given as the address of the server is none. */
export const INVALID_ADDRESS = "INVALID_ADDRESS";
/** What was given as the API key is none. */
export const INVALID_KEY = "INVALID_KEY";

/** What an error says beside its code and its message. */
export interface ErrorOptions {
  advice?: string;
  retryable?: boolean;
  /** Seconds. */
  retryAfter?: number | null;
  status?: number | null;
  details?: Record<string, string | number>;
  requestId?: string | null;
}

/** What went wrong: an error of the server's catalogue (docs/errors.md), or one of the codes of this package. */
export class CallAnnotateError extends Error {
  override readonly name = "CallAnnotateError";
  /** What is allowed, and what to do. */
  readonly advice: string;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  /** Seconds after which it may, where the server says so. */
  readonly retryAfter: number | null;
  /** Of HTTP; null where the error came over a WebSocket, or from here. */
  readonly status: number | null;
  /** What the message is made of. */
  readonly details: Record<string, string | number>;
  /** Names the request in the server's log. */
  readonly requestId: string | null;

  constructor(
    readonly code: string,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message);
    this.advice = options.advice ?? "";
    this.retryable = options.retryable ?? false;
    this.retryAfter = options.retryAfter ?? null;
    this.status = options.status ?? null;
    this.details = options.details ?? {};
    this.requestId = options.requestId ?? null;
  }
}

/** An answer over HTTP that is no success. */
export function refused(status: number, body: string, retryAfter: string | null): CallAnnotateError {
  const wait = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  try {
    return told((JSON.parse(body) as ErrorBody).error, status, wait);
  } catch {
    // Something between us and the server, such as a proxy, has its own way of saying it.
    const retryable = [429, 502, 503, 504].includes(status);
    const options = { advice: "Check the address.", retryable, retryAfter: wait, status };
    return new CallAnnotateError(UNEXPECTED_ANSWER, `HTTP ${status}`, options);
  }
}

/** An error as REST and `/ws/{job_id}` tell it. */
export function told(error: ErrorDetail, status: number | null = null, wait: number | null = null): CallAnnotateError {
  const { advice, retryable, details } = error;
  const options = { advice, retryable, details, retryAfter: wait, status, requestId: error.request_id };
  return new CallAnnotateError(error.code, error.message, options);
}

/** Why a job failed. */
export function failed(failure: JobFailure): CallAnnotateError {
  return new CallAnnotateError(failure.code, failure.message, { advice: failure.advice, details: failure.details });
}

/** What a live session ended with. */
export function liveEnded(error: LiveError): CallAnnotateError {
  const { advice, retryable, details } = error;
  const retryAfter = error.retry_after_ms === null ? null : error.retry_after_ms / 1000;
  return new CallAnnotateError(error.code, error.message, { advice, retryable, details, retryAfter });
}

/** JSON, or UNEXPECTED_ANSWER. */
export function parsed<T>(url: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new CallAnnotateError(UNEXPECTED_ANSWER, `${url}: the answer is no JSON`, { advice: "Check the address." });
  }
}

/** No answer. */
export function unreachable(url: string, cause: unknown): CallAnnotateError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const text = inner instanceof Error ? inner.message || inner.name : String(inner);
  const advice = "Check the address and that the server runs.";
  return new CallAnnotateError(UNREACHABLE, `${url}: no answer (${text})`, { advice, retryable: true });
}

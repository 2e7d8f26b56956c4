import { signal } from "@preact/signals";
import { language, t } from "../i18n";
import type { ErrorDetail } from "./types";

/** Whether the server wants a key before it says anything. */
export const locked = signal(false);
/** As which a WebSocket ends whose key has ended. */
export const KEY_ENDED = 4401;

/** What the server refused, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly advice = "",
  ) {
    super(message);
  }

  /** Message and advice. */
  get whole(): string {
    return failure(this);
  }
}

/** What went wrong and what to do, in sentences. */
export function failure({ message, advice }: { message: string; advice: string }): string {
  return advice ? `${sentence(message)} ${advice}` : sentence(message);
}

function sentence(text: string): string {
  // A file's name at the beginning stays as it is.
  const first = /^\p{L}+ /u.test(text) ? text.charAt(0).toLocaleUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** The text of anything that was thrown. */
export function told(error: unknown): string {
  if (error instanceof ApiError) return error.whole;
  return error instanceof Error ? error.message : String(error);
}

/** An answer that is no success as an error. */
export function refusal(status: number, body: string): ApiError {
  if (status === 401) locked.value = true;
  try {
    const { error } = JSON.parse(body) as { error: ErrorDetail };
    return new ApiError(status, error.code, error.message, error.advice ?? "");
  } catch {
    return new ApiError(status, "UNREACHABLE", t("unreachable"));
  }
}

interface Wanted {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Ask the server; raises ApiError. */
export async function ask(path: string, { method = "GET", body, headers = {}, signal }: Wanted = {}): Promise<Response> {
  const init: RequestInit = { method, headers: { ...headers, "Accept-Language": language.value }, signal: signal ?? null };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "UNREACHABLE", t("unreachable"));
  }
  if (!response.ok) throw refusal(response.status, await response.text());
  return response;
}

/** The JSON of an answer. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

/** The address of a WebSocket of this server. */
export function socketUrl(path: string): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

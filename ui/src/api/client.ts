import { signal } from "@preact/signals";
import { CallAnnotateError, Client } from "callannotate-client";
import { language, t } from "../i18n";
import type { ErrorDetail } from "./types";

/** What holds connections to the server; requests are asked for below, in the language of the page. */
export const server = new Client(location.origin);
/** Whether the server wants a key before it says anything. */
export const locked = signal(false);

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
  if (error instanceof CallAnnotateError) return failure(error);
  return error instanceof Error ? error.message : String(error);
}

/** An answer that is no success as an error. */
export function refusal(status: number, body: string): CallAnnotateError {
  if (status === 401) locked.value = true;
  try {
    const { error } = JSON.parse(body) as { error: ErrorDetail };
    return new CallAnnotateError(error.code, error.message, { advice: error.advice, status });
  } catch {
    return unreachable();
  }
}

/** There was no answer. */
export function unreachable(): CallAnnotateError {
  return new CallAnnotateError("UNREACHABLE", t("unreachable"));
}

interface Wanted {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Ask the server; raises CallAnnotateError. */
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
    throw unreachable();
  }
  if (!response.ok) throw refusal(response.status, await response.text());
  return response;
}

/** The JSON of an answer. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

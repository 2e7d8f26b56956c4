import { httpAddress, openWebSocket, type WebSocketFactory } from "./connection.js";
import { CallAnnotateError, failed, INVALID_KEY, parsed, refused, unreachable } from "./errors.js";
import { Live, type LiveOptions, type LiveStart } from "./live.js";
import { Delays, sleep } from "./timing.js";
import type {
  HealthStatus,
  Job,
  JobMessage,
  JobPage,
  JobRequest,
  JobResult,
  Login,
  QueueStatus,
  ServiceInfo,
  Voice,
  VoicePage,
} from "./types.js";
import { type Answer, ofFetch, opened, type Progress, sendForm, type Uploadable } from "./upload.js";
import { watch, type WatchOptions } from "./watch.js";

/** How a server is talked to. */
export interface ClientOptions {
  /** Where the server wants one. Browsers cannot send it with a WebSocket: `login()` makes a cookie of it. */
  apiKey?: string | undefined;
  /** Of the server's messages, such as "ru". */
  language?: string;
  /** How often a request is sent again that got no answer, or was refused with `retryable`. */
  retries?: number;
  /** Opens WebSockets, where neither `ws` nor the platform's own will do. */
  webSocket?: WebSocketFactory;
}

/** What goes with an upload. */
export interface UploadOptions {
  filename?: string;
  progress?: Progress;
  signal?: AbortSignal;
}

/** What goes with a recording. */
export interface SubmitOptions extends UploadOptions {
  /** Options, and any keys of your own. */
  metadata?: JobRequest & Record<string, unknown>;
  /** Of your own, if another process is to send the same again. */
  idempotencyKey?: string;
}

/** One page of a list. */
export interface PageOptions {
  limit?: number;
  offset?: number;
}

export type Format = "json" | "srt" | "vtt" | "txt" | "tsv" | "rttm" | "eaf" | "textgrid" | "docx";

interface Wanted {
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  json?: unknown;
  /** Sends a body of another kind. */
  send?: (url: string, headers: Record<string, string>) => Promise<Answer>;
  /** Whether the request may be sent again where it is not known what became of it. */
  repeatable?: boolean;
  signal?: AbortSignal | undefined;
}

/** Seconds to wait at most because a server asks for it; longer than that is an error at once. */
const LONGEST_WAIT = 120;

/** Everything that programs do with a server. All methods reject with a CallAnnotateError. */
export class Client {
  /** Of the server, without a slash at its end. */
  readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly retries: number;
  private readonly webSocket: WebSocketFactory;

  constructor(url = "http://127.0.0.1:8000", options: ClientOptions = {}) {
    this.url = httpAddress(url);
    this.headers = {
      ...(options.apiKey === undefined ? {} : authorization(options.apiKey)),
      ...(options.language === undefined ? {} : { "Accept-Language": options.language }),
    };
    this.retries = options.retries ?? 5;
    this.webSocket = options.webSocket ?? openWebSocket;
  }

  /** Submit a recording. What gets lost on the way is sent again, and is one job nevertheless. */
  async submit(file: Uploadable, options: SubmitOptions = {}): Promise<Job> {
    const headers = { "Idempotency-Key": options.idempotencyKey ?? crypto.randomUUID() };
    const upload = await this.form(file, options.metadata ?? {}, options);
    return this.json("POST", "/api/v1/jobs", { ...upload, headers, repeatable: true });
  }

  /** Jobs, the newest first. */
  jobs(options: PageOptions & { status?: Job["status"] } = {}): Promise<JobPage> {
    return this.json("GET", "/api/v1/jobs", { query: { ...options } });
  }

  /** State and progress of a job. */
  job(jobId: string): Promise<Job> {
    return this.json("GET", `/api/v1/jobs/${encodeURIComponent(jobId)}`);
  }

  /**
   * Follow a job: its state at once, then every change, to its `result` or why it failed. Lost connections are made
   * again, and nothing is missing or comes twice.
   */
  watch(jobId: string, options: WatchOptions = {}): AsyncGenerator<JobMessage, void, void> {
    return watch(this.webSocket, this.url, jobId, this.headers, options);
  }

  /** The result, as soon as there is one; rejects with what the job failed with. */
  async wait(jobId: string, progress?: (message: JobMessage) => void, options: WatchOptions = {}): Promise<JobResult> {
    for await (const message of this.watch(jobId, options)) {
      progress?.(message);
      if (message.type === "error") throw failed(message.error);
    }
    return this.result(jobId);
  }

  /** The result of a completed job. */
  result(jobId: string): Promise<JobResult> {
    return this.json("GET", `/api/v1/jobs/${encodeURIComponent(jobId)}/result`);
  }

  /** The result as a file. */
  async export(jobId: string, format: Format): Promise<Blob> {
    return this.blob(`/api/v1/jobs/${encodeURIComponent(jobId)}/result`, { format });
  }

  /** The recording as it was uploaded. */
  audio(jobId: string): Promise<Blob> {
    return this.blob(`/api/v1/jobs/${encodeURIComponent(jobId)}/audio`);
  }

  /** Cancel a job where it runs, and delete it with all that belongs to it. */
  async delete(jobId: string): Promise<void> {
    await this.ask("DELETE", `/api/v1/jobs/${encodeURIComponent(jobId)}`, {}, nothing);
  }

  /** Who runs and who waits. */
  queue(): Promise<QueueStatus> {
    return this.json("GET", "/api/v1/queue/status");
  }

  /** How the server feels, also where it does not feel well. */
  async health(): Promise<HealthStatus> {
    try {
      const answer = ofFetch(await fetch(`${this.url}/health`, { headers: this.headers }));
      if (answer.status !== 200 && answer.status !== 503) throw await refusal(answer);
      return this.parsed(await answer.text());
    } catch (error) {
      throw error instanceof TypeError ? unreachable(this.url, error) : error;
    }
  }

  /**
   * Make a cookie of the key, which browsers send with WebSockets, recordings and downloads of pages of this server.
   * Answers as whom the server knows who asks.
   */
  login(): Promise<Login> {
    return this.json("POST", "/api/v1/login", { repeatable: true });
  }

  /** The cookie is void and gone. */
  async logout(): Promise<void> {
    await this.ask("DELETE", "/api/v1/login", {}, nothing);
  }

  /** What the server can do. */
  info(): Promise<ServiceInfo> {
    return this.json("GET", "/info");
  }

  /**
   * Transcribe audio while it goes on. Give it audio by `write()` and `end()`, or all of a source by `pipe()`, and read
   * its messages.
   */
  live(start: LiveStart, options: LiveOptions = {}): Live {
    return new Live(this.webSocket, this.url, start, this.headers, options);
  }

  /** Known voices in the order of their names; `name`: a part of it. */
  voices(options: PageOptions & { name?: string } = {}): Promise<VoicePage> {
    return this.json("GET", "/api/v1/voices", { query: { ...options } });
  }

  /** A known voice and its samples. */
  voice(voiceId: string): Promise<Voice> {
    return this.json("GET", `/api/v1/voices/${encodeURIComponent(voiceId)}`);
  }

  /** Enrol a voice with its first sample: a recording of this one person, or a file of voiceprints. */
  async enrol(file: Uploadable, name: string, options: UploadOptions & { note?: string } = {}): Promise<Voice> {
    return this.json("POST", "/api/v1/voices", await this.form(file, { name, note: options.note ?? "" }, options));
  }

  /** Add a sample to a voice. */
  async addSample(voiceId: string, file: Uploadable, options: UploadOptions = {}): Promise<Voice> {
    const path = `/api/v1/voices/${encodeURIComponent(voiceId)}/samples`;
    return this.json("POST", path, await this.form(file, {}, options));
  }

  /** Enrol a speaker of a completed job: as a new voice by `name`, or as a sample of a known one by `voice_id`. */
  enrolSpeaker(jobId: string, speakerId: string, who: { name: string } | { voice_id: string }): Promise<Voice> {
    const path = `/api/v1/jobs/${encodeURIComponent(jobId)}/speakers/${encodeURIComponent(speakerId)}/enrol`;
    return this.json("POST", path, { json: who });
  }

  /** What results call a voice from now on. */
  renameVoice(voiceId: string, name: string, note = ""): Promise<Voice> {
    return this.json("PUT", `/api/v1/voices/${encodeURIComponent(voiceId)}`, { json: { name, note } });
  }

  /** Its voiceprints as a file. These are biometric data. */
  voiceprints(voiceId: string, format: "npy" | "vec" = "npy"): Promise<Blob> {
    return this.blob(`/api/v1/voices/${encodeURIComponent(voiceId)}/voiceprints`, { format });
  }

  /** Delete a voice; with `forgetResults` its name in results as well. */
  async deleteVoice(voiceId: string, { forgetResults = false } = {}): Promise<void> {
    const query = { forget_results: forgetResults || undefined };
    await this.ask("DELETE", `/api/v1/voices/${encodeURIComponent(voiceId)}`, { query }, nothing);
  }

  /** Delete a sample with its audio and its voiceprints. */
  async deleteSample(voiceId: string, sampleId: string): Promise<void> {
    await this.ask("DELETE", `/api/v1/voices/${encodeURIComponent(voiceId)}/samples/${encodeURIComponent(sampleId)}`, {}, nothing);
  }

  /** Any other operation of REST that answers with JSON, or, as deletions do, with nothing. */
  request<T>(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, json?: unknown): Promise<T> {
    return this.json(method, path, { json });
  }

  private async form(file: Uploadable, metadata: object, { filename, progress, signal }: UploadOptions): Promise<Wanted> {
    const content = await opened(file, filename);
    return {
      send: (url, headers) => sendForm(url, headers, content, metadata, progress, signal),
      signal,
    };
  }

  private json<T>(method: string, path: string, wanted: Wanted = {}): Promise<T> {
    return this.ask(method, path, wanted, async (answer) => this.parsed(await answer.text()));
  }

  private blob(path: string, query: Record<string, string> = {}): Promise<Blob> {
    return this.ask("GET", path, { query }, (answer) => answer.blob());
  }

  private parsed<T>(text: string): T {
    return parsed(this.url, text || "null");
  }

  /** What is read of the answer, which may break off as the request may. */
  private async ask<T>(method: string, path: string, wanted: Wanted, read: (answer: Answer) => Promise<T>): Promise<T> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(wanted.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { ...this.headers, ...wanted.headers };
    const init: RequestInit = { method, headers, signal: wanted.signal ?? null };
    if (wanted.json !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(wanted.json);
    }
    const send = wanted.send ?? (async (address: string) => ofFetch(await fetch(address, init)));
    const repeatable = wanted.repeatable ?? ["GET", "PUT", "DELETE"].includes(method);
    const delays = new Delays();
    for (let attempt = 0; ; attempt += 1) {
      let problem: CallAnnotateError;
      let again: boolean;
      try {
        const answer = await send(url.href, headers);
        if (answer.status >= 200 && answer.status < 300) return await read(answer);
        const gone = method === "DELETE" && attempt > 0 && answer.status === 404;
        // By an earlier attempt whose answer got lost.
        if (gone) return await read({ ...answer, text: () => Promise.resolve("") });
        problem = await refusal(answer);
        again = problem.retryable && (problem.retryAfter ?? 0) <= LONGEST_WAIT;
      } catch (error) {
        wanted.signal?.throwIfAborted();
        if (!(error instanceof TypeError)) throw error;
        problem = unreachable(this.url, error);
        again = repeatable || notConnected(error);
      }
      if (!again || attempt >= this.retries) throw problem;
      await sleep(delays.after(problem.retryAfter), wanted.signal);
    }
  }
}

/** Where an answer says all by its status. */
async function nothing(answer: Answer): Promise<void> {
  await answer.text();
}

async function refusal(answer: Answer): Promise<CallAnnotateError> {
  return refused(answer.status, await answer.text(), answer.header("Retry-After"));
}

/** Whether the server cannot have got anything; browsers do not say. */
function notConnected(error: TypeError): boolean {
  return (error.cause as { code?: string } | undefined)?.code === "ECONNREFUSED";
}

/** The header with a key, which may come from a file with a line break at its end. */
function authorization(apiKey: string): Record<string, string> {
  const key = apiKey.trim();
  if (!/^[!-~]+$/.test(key)) {
    // The platforms would tell of it with the key in their words.
    throw new CallAnnotateError(INVALID_KEY, "what was given as the API key is none", { advice: "One line, such as cak_..." });
  }
  return { Authorization: `Bearer ${key}` };
}

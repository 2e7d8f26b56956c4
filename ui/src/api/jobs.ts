import { language, t } from "../i18n";
import { ApiError, ask, refusal, socketUrl } from "./client";
import type { Job, JobMessage } from "./types";

export interface UploadOptions {
  language: string;
  speakers: number | null;
}

/** Send a recording; `progress` is told the share that has gone out. */
export function upload(
  file: File,
  options: UploadOptions,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<Job> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    const metadata: Record<string, unknown> = {};
    if (options.language) metadata["language"] = options.language;
    if (options.speakers !== null) metadata["speakers"] = options.speakers;
    form.append("metadata", JSON.stringify(metadata));
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/jobs");
    request.setRequestHeader("Accept-Language", language.value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as Job);
      else reject(refusal(request.status, request.responseText));
    };
    request.onerror = () => reject(new ApiError(0, "UNREACHABLE", t("unreachable")));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

export async function remove(jobId: string): Promise<void> {
  await ask(`/api/v1/jobs/${jobId}`, { method: "DELETE" });
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Follow a job until its last message, over lost connections; returns what stops it. */
export function follow(jobId: string, heard: (message: JobMessage) => void): () => void {
  let socket: WebSocket | null = null;
  let [last, wait, timer, stopped] = [0, FIRST_WAIT, 0, false];

  function connect(): void {
    socket = new WebSocket(socketUrl(`/ws/${jobId}${last > 0 ? `?after_seq=${last}` : ""}`));
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as JobMessage;
      wait = FIRST_WAIT;
      if ("seq" in message && message.seq !== undefined) last = message.seq;
      heard(message);
    };
    socket.onclose = ({ code }) => {
      if (stopped || code === 1000 || code === 4404) return;
      timer = window.setTimeout(connect, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    };
  }

  connect();
  return () => {
    stopped = true;
    window.clearTimeout(timer);
    socket?.close();
  };
}

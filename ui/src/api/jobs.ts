import { KEY_ENDED, ask, locked, socketUrl } from "./client";
import type { Job, JobMessage, JobRequest } from "./types";
import { upload as send } from "./uploads";

/** What may be said of a recording; what is left out the server decides. */
export type UploadOptions = JobRequest;

/** Send a recording; `progress` is told the share that has gone out. */
export function upload(
  file: File,
  metadata: UploadOptions,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<Job> {
  return send<Job>({ address: "/api/v1/jobs", file, metadata, progress, signal });
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
      if (code === KEY_ENDED) locked.value = true;
      if (stopped || code === 1000 || code === 4404 || code === KEY_ENDED) return;
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

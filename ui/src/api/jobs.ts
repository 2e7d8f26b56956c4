import { CallAnnotateError } from "callannotate-client";
import { ask, locked, server } from "./client";
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

/** Follow a job, over lost connections, to its last message; returns what stops it. */
export function follow(jobId: string, heard: (message: JobMessage) => void): () => void {
  const stop = new AbortController();
  void listen(jobId, heard, stop.signal);
  return () => stop.abort();
}

async function listen(jobId: string, heard: (message: JobMessage) => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const message of server.watch(jobId, { signal, patience: Infinity })) {
      if (signal.aborted) return;
      // The page comes from its server, which says nothing that it does not know.
      heard(message as JobMessage);
    }
  } catch (error) {
    // Whatever else ends it, lists and calls tell when they are loaded.
    if (error instanceof CallAnnotateError && error.code === "KEY_REQUIRED") locked.value = true;
  }
}

/**
 * Client of CallAnnotate: annotated transcripts of telephone calls, from recordings and live.
 *
 *     const client = new Client("http://127.0.0.1:8000");
 *     const job = await client.submit("call.wav", { metadata: { language: "en" } });
 *     console.log((await client.wait(job.job_id)).result.speakers);
 */
export * from "./client.js";
export type { WebSocketFactory, WebSocketLike } from "./connection.js";
export { CallAnnotateError, type ErrorOptions } from "./errors.js";
export * from "./live.js";
export type * from "./types.js";
export type { Progress, Uploadable } from "./upload.js";
export type { WatchOptions } from "./watch.js";

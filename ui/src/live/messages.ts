import type { Annotation } from "../api/types";

/** What the server says on `/v1/ws/transcribe`, as far as the page looks at it; /asyncapi.json describes all of it. */
export type LiveMessage = { seq: number } & (
  | {
      type: "session.started";
      session_id: string;
      resume_token: string;
      limits: { max_frame_bytes: number; idle_timeout_s: number; max_unacked_ms: number };
    }
  | { type: "session.resumed"; bytes_received: number }
  | { type: "audio.ack"; bytes_received: number; result_progress: number | null }
  | {
      type: "transcript.partial";
      segment_id: string;
      start_ms: number;
      text: string;
      speaker_id: string | null;
    }
  | {
      type: "transcript.final";
      segment_id: string;
      start_ms: number;
      end_ms: number;
      text: string;
      language: string;
      speaker_id: string;
      words: { word: string; confidence: number }[];
    }
  | { type: "speaker.updated"; updates: { segment_ids: string[]; speaker_id: string; name: string | null }[] }
  | { type: "warning"; code: string; message: string }
  | { type: "error"; code: string; message: string; advice: string; fatal: boolean; retryable: boolean }
  | { type: "session.ended"; result: Annotation; job_id: string | null }
  | { type: "session.closing" | "paused" | "resumed" | "speech.started" | "speech.ended" | "keepalive.ack" }
);

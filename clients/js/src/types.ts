/**
 * What the server reads and writes, as types. Made by `callannotate contracts` from contracts/; do not edit by hand.
 *
 * A later server may write more fields, messages and values than are here; moments are RFC 3339.
 */

/** A value that is none of those known here. */
export type Later = string & {};

/** Bytes of one sample of one channel, by the encoding of live audio. */
export const BYTES_PER_SAMPLE = {"pcm_s16le":2,"pcm_f32le":4,"mulaw":1,"alaw":1} as const;

/** Of a binary frame of live audio, but for the last one. */
export const SHORTEST_FRAME_MS = 20;

/** One address book of the server. */
export interface AddressBook {
  name: string;
  /** Cards that could be read. */
  contacts: number;
  /** How it is found out what has changed. */
  changes: "ctag" | "etags" | "sync-token" | Later;
  synced_at: string;
}

/** How much audio has been taken over all; about once a second, also while the result is being made. */
export interface AudioAck {
  type: "audio.ack";
  seq: number;
  in_reply_to: string | null;
  bytes_received: number;
  ms_received: number;
  /** After `audio.end`: how far the result is; null before. */
  result_progress: number | null;
}

/** No more audio comes; answered by `session.ended`. */
export interface AudioEnd {
  type: "audio.end";
  id?: string | null;
  /** Of all binary frames of the session, to be compared with those that arrived. */
  bytes_sent: number;
}

/** How the samples of the binary frames are written; fixed for the session. */
export interface AudioFormat {
  encoding: "alaw" | "mulaw" | "pcm_f32le" | "pcm_s16le";
  /** Hertz. */
  sample_rate: number;
  /** 1 for one signal with all voices; 2, interleaved, for a call with one side on each. */
  channels: number;
}

/** The server is about to close the connection, because it stops. */
export interface Closing {
  type: "session.closing";
  reason: string;
  deadline_ms: number;
}

/** Changes what may change; what is left out stays. Answered by `config.updated`. */
export interface ConfigUpdate {
  type: "config.update";
  id?: string | null;
  language?: string | null;
  partials?: boolean;
  words?: boolean;
  vocabulary?: string[];
}

/** What became of a message. */
export interface Delivery {
  delivery_id: string;
  job_id: string;
  type: "job.cancelled" | "job.completed" | "job.failed" | Later;
  /** Where it goes, without the query, which may have a secret in it. */
  url: string;
  /** `pending`: it will be tried (again). `dead`: given up until somebody has it sent again. */
  state: "dead" | "delivered" | "pending" | Later;
  attempts: number;
  created_at: string;
  /** Null once it is not tried any more. */
  next_attempt_at: string | null;
  last_attempt_at: string | null;
  /** Of the last answer; null where there was none. */
  status: number | null;
  /** Why the last attempt failed; docs/webhooks.md says what each means. */
  problem: "address_refused" | "gone" | "protocol" | "redirect" | "status" | "timeout" | "tls" | "unreachable" | Later | null;
}

/** Room on the volume. */
export interface DiskUsage {
  /** Such as "50GB". */
  volume_free: string;
  logs_size: string;
}

/** A telephone number to be written. */
export interface DraftNumber {
  number: string;
  /** Such as "cell" or "work". */
  kinds?: string[];
}

/** Where the interfaces begin. */
export interface Endpoints {
  rest: string;
  websocket: string;
}

/** One error as every front door tells it. */
export interface ErrorDetail {
  /** From the error catalogue. */
  code: string;
  /** What was wrong and where, in the language of `Accept-Language`. */
  message: string;
  /** What is allowed and what to do. */
  advice: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  details: Record<string, string | number>;
  timestamp: string;
  request_id: string;
}

/** The recording of a job. */
export interface FileInfo {
  /** As the client named it, without folders; never used as a path. */
  filename: string;
  /** Bytes. */
  size: number;
  format: "flac" | "mp3" | "opus" | "wav" | Later;
  /** Seconds. */
  duration: number | null;
  /** Hz. */
  sample_rate: number | null;
  channels: number | null;
}

/** Asks for the finals of all audio sent so far; answered by `finalized`. */
export interface Finalize {
  type: "finalize";
  id?: string | null;
}

/** All audio received before `finalize` is final. */
export interface Finalized {
  type: "finalized";
  seq: number;
  in_reply_to: string | null;
}

/** The contact of a speaker, as the address book has it. */
export interface FoundContact {
  /** Of the card. */
  uid: string;
  name: string;
  organisation: string;
  /** E.164 where they can be, else as they are written. */
  numbers: string[];
  /** For `/api/v1/contacts/{contact_id}`. */
  contact_id: string;
}

/** Why a job failed. */
export interface JobFailure {
  /** From the error catalogue. */
  code: string;
  message: string;
  advice: string;
  stage: string | null;
  /** What the message is made of. */
  details: Record<string, string | number>;
}

/** How far a job has come. */
export interface JobProgress {
  /** Of the whole job; never goes back while the job runs. */
  percentage: number;
  /** The stage that is furthest behind; null while the job waits and once it has ended. */
  current_stage: "annotation" | "carddav_lookup" | "diarization" | "preprocessing" | "recognition" | "transcription" | "validation" | Later | null;
  /** Of `current_stage`. */
  stage_progress: number;
  stages_completed: ("annotation" | "carddav_lookup" | "diarization" | "preprocessing" | "recognition" | "transcription" | "validation" | Later)[];
  stages_remaining: ("annotation" | "carddav_lookup" | "diarization" | "preprocessing" | "recognition" | "transcription" | "validation" | Later)[];
  estimated_completion: string | null;
}

/** What a client says of a recording: the form field `metadata`. Keys that are not here are the client's own. */
export interface JobRequest {
  description?: string;
  /** The highest first; within one, first in first out. */
  priority?: number;
  caller?: string | null;
  callee?: string | null;
  /** ISO 639-1 code; null or "auto" to detect it per stretch of speech. */
  language?: string | null;
  /** The number of speakers where it is known; not together with bounds. */
  speakers?: number | null;
  min_speakers?: number | null;
  max_speakers?: number | null;
  channels?: "auto" | "mono" | "two-sided";
  /** Whisper weights by their name in the catalogue; null for the server's own choice. */
  model?: string | null;
  /** Diarization engine; null for the server's own choice. */
  engine?: "onnx" | "pyannote" | null;
  /** Whether known voices are named. */
  recognise?: boolean;
  /** Where to say that the job has ended; docs/webhooks.md has what is sent, and which URLs are taken. */
  callback_url?: string | null;
  /** With "translate" the text is English, whatever is spoken; the languages told are those of the speech. */
  task?: "transcribe" | "translate";
  /** Words that may be said, or text that might come before: the spelling and the style lean towards it. */
  prompt?: string;
}

/** Resets the idle timer; answered by `keepalive.ack`. */
export interface Keepalive {
  type: "keepalive";
  id?: string | null;
}

/** The session is alive. */
export interface KeepaliveAck {
  type: "keepalive.ack";
  seq: number;
  in_reply_to: string | null;
}

/** What was wrong; goes before every abnormal close. */
export interface LiveError {
  type: "error";
  seq: number;
  in_reply_to: string | null;
  /** From the error catalogue. */
  code: string;
  /** What was wrong and where, in the language of the handshake's `Accept-Language`. */
  message: string;
  /** What is allowed and what to do. */
  advice: string;
  /** Whether the connection is closed after it, with the code as the reason. */
  fatal: boolean;
  /** Whether the same may succeed later. */
  retryable: boolean;
  retry_after_ms: number | null;
  details: Record<string, string | number>;
}

/** Something that the client should know; the session goes on. */
export interface LiveWarning {
  type: "warning";
  seq: number;
  in_reply_to: string | null;
  code: "bytes_mismatch" | "frames_short" | "not_saved" | "partials_off" | "partials_reduced" | "partials_restored" | "recognise_unavailable" | "session_expires" | "version_deprecated" | Later;
  message: string;
  advice: string;
  fatal: false;
  retryable: boolean;
  retry_after_ms: number | null;
  details: Record<string, string | number>;
}

/** One word of a final. */
export interface LiveWord {
  word: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

/** As whom the server knows the one who asks. */
export interface Login {
  /** `anonymous` where no key is needed; `login` for the cookie that a browser has. */
  by: "anonymous" | "key" | "login" | Later;
  key_id: string | null;
  /** Of the key. */
  name: string | null;
  scopes: ("live" | "manage" | "monitor" | "read" | "submit" | Later)[];
  /** Of the login, or of the key; null where it does not end by itself. */
  expires_at: string | null;
}

/** Memory of the server's process, and what the machine or the container still has. */
export interface MemoryUsage {
  /** Such as "512MB". */
  used: string;
  available: string;
  percentage: number;
}

/** A network that took part, by name and by the hash of its weights. */
export interface ModelUsed {
  /** What it did: "segmentation", "voiceprint", "transcription" or "diarization". */
  kind: string;
  name: string;
  /** Of the weights as they were fetched. */
  sha256: string;
}

/** Something that the reader of a result has to know, such as a recording that broke off. */
export interface Notice {
  /** From the error catalogue. */
  code: string;
  message: string;
}

/** Stops the audio for a while; what is pending becomes final. Answered by `paused`. */
export interface Pause {
  type: "pause";
  id?: string | null;
}

/** All audio received before `pause` is final; audio is an error until `resume`. */
export interface Paused {
  type: "paused";
  seq: number;
  in_reply_to: string | null;
}

/** A telephone number of a contact. */
export interface PhoneNumber {
  /** As it is written on the card. */
  number: string;
  /** Such as "+74951234567"; null where it is no number that could be dialled from abroad, such as an extension. */
  e164: string | null;
  /** Such as "cell" or "work", in small letters. */
  kinds: string[];
}

/** Asks for a pong; either side may send it. The server does every 30 s. */
export interface Ping {
  type: "ping";
  timestamp?: string | null;
}

/** Answers a ping with the same timestamp. */
export interface Pong {
  type: "pong";
  timestamp?: string | null;
}

/** What became of each stage of the specification. */
export interface ProcessingStages {
  diarization: "completed" | "failed" | "skipped" | Later;
  transcription: "completed" | "failed" | "skipped" | Later;
  recognition: "completed" | "failed" | "skipped" | Later;
  carddav_lookup: "completed" | "failed" | "skipped" | Later;
  annotation: "completed" | "failed" | "skipped" | Later;
}

/** A job that waits. */
export interface QueuedJob {
  job_id: string;
  status: "queued";
  position: number;
  estimated_start: string | null;
}

/** Goes on with audio after `pause`; answered by `resumed`. */
export interface Resume {
  type: "resume";
  id?: string | null;
}

/** Audio may be sent again. */
export interface Resumed {
  type: "resumed";
  seq: number;
  in_reply_to: string | null;
}

/** What is said of another sample: nothing so far. */
export interface SampleRequest {
}

/** Who said a segment. */
export interface SegmentChange {
  speaker_id: string;
  segment: number;
  /** null takes the correction back. */
  said_by: string | null;
}

/** Who said a segment. */
export interface SegmentCorrection {
  /** Of the machine's version. */
  speaker_id: string;
  segment: number;
  said_by: string;
}

/** The server is going away; the connection is closed with 1012 after it. */
export interface SessionClosing {
  type: "session.closing";
  seq: number;
  in_reply_to: string | null;
  reason: string;
  deadline_ms: number;
}

/** What the session may do. */
export interface SessionLimits {
  /** Of a binary frame: one second of audio, and never more than 64 KiB. */
  max_frame_bytes: number;
  /** Seconds after which no more audio is taken. */
  max_session_s: number;
  /** Seconds without audio and without any message after which the session ends. */
  idle_timeout_s: number;
  /** How far audio may be ahead of real time. */
  max_unacked_ms: number;
}

/** Goes on with a session after a lost connection; the first message on the new one. */
export interface SessionResume {
  type: "session.resume";
  id?: string | null;
  session_id: string;
  resume_token: string;
  /** `seq` of the last message that was received; all after it are sent again. */
  last_seq: number;
}

/** The session goes on; stands after the messages that were sent again. */
export interface SessionResumed {
  type: "session.resumed";
  seq: number;
  in_reply_to: string | null;
  session_id: string;
  /**
   * Audio is to be sent from this byte on. There is one such message on a connection: in the place of an earlier one
   * that is to be sent again comes an `audio.ack` with its `seq`.
   */
  bytes_received: number;
}

/** The session in numbers. */
export interface SessionTotals {
  bytes_received: number;
  ms_received: number;
  partials: number;
  finals: number;
  /** Of the finals. */
  words: number;
  /** Of the result. */
  speakers: number;
  warnings: number;
  errors: number;
  /** How often the session went on after a lost connection. */
  resumes: number;
}

/** What a speaker is to be called. */
export interface SpeakerChange {
  speaker_id: string;
  /** null takes the correction back. */
  name: string | null;
}

/** What a speaker is called. */
export interface SpeakerCorrection {
  speaker_id: string;
  name: string;
}

/** Whose voice a speaker of a job is: a new one's, by its name, or one that is known, by its id. */
export interface SpeakerEnrolment {
  /** Of a new voice; not together with `voice_id`. */
  name?: string;
  /** Of a known voice, which gets another sample. */
  voice_id?: string;
  /** Of a new voice. */
  note?: string;
}

/** Who said these segments, as it is known now. */
export interface SpeakerUpdate {
  segment_ids: string[];
  speaker_id: string;
  /**
   * Who the speaker turned out to be; null where nobody knows. It is the name of all that this speaker says, also of
   * segments that come later, until an update says another.
   */
  name: string | null;
}

/** Nobody speaks any more. */
export interface SpeechEnded {
  type: "speech.ended";
  seq: number;
  in_reply_to: string | null;
  channel: number;
  time_ms: number;
}

/** Somebody begins to speak. */
export interface SpeechStarted {
  type: "speech.started";
  seq: number;
  in_reply_to: string | null;
  channel: number;
  time_ms: number;
}

/** What has been said so far in a segment that goes on; replaced by its next revision or its final. */
export interface TranscriptPartial {
  type: "transcript.partial";
  seq: number;
  in_reply_to: string | null;
  segment_id: string;
  /** Counted from 1 within the segment. */
  revision: number;
  channel: number;
  start_ms: number;
  text: string;
  /** null while nobody knows. */
  speaker_id: string | null;
}

/** One speaker speaking without a pause; turns of different speakers overlap where both speak. */
export interface Turn {
  speaker_id: string;
  /** Seconds from the start of the call. */
  start_time: number;
  /** Seconds from the start of the call. */
  end_time: number;
}

/** A card that could not be read, or not all of it. */
export interface UnreadCard {
  book: string;
  /** Its path on the server. */
  card: string;
  problem: string;
  /** Whether the rest of it is a contact. */
  usable: boolean;
}

/** Who a new voice belongs to: the form field `metadata` beside its first sample. */
export interface VoiceRequest {
  /** What results call it; no two voices have the same, whatever the case of the letters. */
  name: string;
  /** For people; never in a result. */
  note?: string;
}

/** One recording, or one file of voiceprints, that a voice is known by. */
export interface VoiceSample {
  /** UUID. */
  sample_id: string;
  created_at: string;
  /** Uploaded as a recording, cut out of a job's recording, or imported as voiceprints. */
  source: "import" | "job" | "upload" | Later;
  /** As the client named it, without folders; what a result gives as `voice_embedding_source`. */
  filename: string;
  /** Where it was cut out of. */
  job_id: string | null;
  /** Whose words they were in that job. */
  speaker_id: string | null;
  /** Seconds of the recording; null for voiceprints. */
  duration: number | null;
  /** Seconds of clean speech that the voiceprints rest on; null for voiceprints that were imported. */
  speech: number | null;
  /** sha256 of the voiceprint model. */
  model: string;
  /** Whether another model made its voiceprints: then nothing is recognised by it. */
  stale: boolean;
  /** Whether its audio was kept, so that another model can make voiceprints of it. */
  audio_kept: boolean;
}

/** What a voice is called from now on. */
export interface VoiceUpdate {
  name: string;
  /** For people; what is left out becomes empty. */
  note?: string;
}

/** The loudest sample of each stretch of a recording. */
export interface Waveform {
  job_id: string;
  /** Of the recording. */
  duration: number;
  /** Peaks per second. */
  rate: number;
  /** Of each side of a two-sided call, or of the only channel: 255 is full scale. */
  channels: number[][];
}

/** One word of a segment. */
export interface Word {
  word: string;
  /** Seconds from the start of the call. */
  start_time: number;
  /** Seconds from the start of the call. */
  end_time: number;
  /** 0 to 1: geometric mean of the probabilities that Whisper gave to the word's tokens. */
  confidence: number;
}

/** What was said. */
export interface WordChange {
  speaker_id: string;
  segment: number;
  word: number;
  /** null takes the correction back; the empty text erases the word. */
  text: string | null;
}

/** What was said. */
export interface WordCorrection {
  /** Of the machine's version. */
  speaker_id: string;
  segment: number;
  word: number;
  /** Empty where nothing was said. */
  text: string;
}

/** What was wrong with a message of the client, or why the connection is about to be closed. */
export interface ConnectionErrorMessage {
  type: "error";
  error: ErrorDetail;
  /** The `id` of the message that was wrong. */
  in_reply_to: string | null;
}

/** One card of an address book. */
export interface Contact {
  /** Ours, for the paths of REST; it stays the same as long as the card stays where it is. */
  contact_id: string;
  /** Of the card; empty where it has none. */
  uid: string;
  /** FN, or what the card says instead of it. */
  name: string;
  given_name: string;
  family_name: string;
  organisation: string;
  title: string;
  numbers: PhoneNumber[];
  emails: string[];
  note: string;
  /** Name of the address book. */
  book: string;
  /** Of the card on the server; the header ETag has it as well. */
  etag: string;
}

/** A contact to be written: what is left out is empty. What the card says beside these fields stays as it is. */
export interface ContactDraft {
  name: string;
  given_name?: string;
  family_name?: string;
  organisation?: string;
  title?: string;
  numbers?: DraftNumber[];
  emails?: string[];
  note?: string;
  /** Name of the address book of a new contact, the first one where it is null; a contact stays where it is. */
  book?: string | null;
}

/** The address books as the last sync left them. */
export interface ContactsStatus {
  /** Scheme, host and port. */
  server: string;
  /** Never synced, in step with the server, or not: the server did not answer the last time. */
  state: "away" | "current" | "never" | Later;
  /** Why the last sync failed. */
  problem: string | null;
  /** When all address books were in step last. */
  synced_at: string | null;
  contacts: number;
  books: AddressBook[];
  /** The first hundred. */
  unread: UnreadCard[];
  unread_total: number;
}

/** All corrections of a result. */
export interface Corrections {
  job_id: string;
  /** Counts changes; 0 before the first. The ETag is made of it. */
  revision: number;
  /** Of the last change. */
  updated_at: string | null;
  speakers: SpeakerCorrection[];
  segments: SegmentCorrection[];
  words: WordCorrection[];
}

/** Corrections to be made or taken back; all others stay. */
export interface CorrectionsUpdate {
  speakers: SpeakerChange[];
  segments: SegmentChange[];
  words: WordChange[];
}

/** Some of the deliveries, the newest first. */
export interface DeliveryPage {
  deliveries: Delivery[];
  /** Deliveries that the filter lets through, on all pages. */
  total: number;
  limit: number;
  offset: number;
}

/** The body of every answer that is an error. */
export interface ErrorBody {
  error: ErrorDetail;
}

/** One thing that an identification or a suggestion rests on. */
export interface Evidence {
  kind: "name" | "number" | "self_introduction" | "voice" | Later;
  /** The name of the voice, the number, or the words of the introduction. */
  text: string;
  /** That this evidence by itself names the speaker rightly. */
  probability: number;
  /** Of the known voice, where the kind is "voice". */
  voice_id: string | null;
  /** The contact that it leads to. */
  contact: FoundContact | null;
}

/** Every part of the service. */
export interface HealthComponents {
  queue_manager: "healthy" | "unhealthy" | Later;
  volume_access: "healthy" | "unhealthy" | Later;
  audio_processing: "healthy" | "unhealthy" | Later;
  models: "healthy" | "unhealthy" | Later;
  memory_usage: MemoryUsage;
  disk_usage: DiskUsage;
}

/** The job failed; the last message of the job. */
export interface JobErrorMessage {
  type: "error";
  job_id: string;
  seq: number;
  error: JobFailure;
  timestamp: string;
}

/** Facts about the call and about how it was annotated. */
export interface Metadata {
  /** Seconds of audio. */
  total_duration: number;
  speaker_count: number;
  word_count: number;
  /** 0 to 1: mean over all words; 0 for a call without words. */
  confidence_average: number;
  processing_stages: ProcessingStages;
  /** ISO 639-1 codes, the one with most words first. */
  languages: string[];
  /** How the recording was treated. */
  channels: "mono" | "two-sided" | Later;
  /** Diarization engine: "onnx" or "pyannote". */
  engine: string;
  models: ModelUsed[];
  /** Seconds from the first block read to the result, without loading the models. */
  processing_time: number;
  /** processing_time / total_duration; 0 for a call without audio. */
  real_time_factor: number;
  /** Of CallAnnotate. */
  version: string;
  warnings: Notice[];
  /** With "translate" the text is English; the languages are still those of the speech. */
  task: "transcribe" | "translate" | Later;
}

/** The queue as a whole. */
export interface QueueStatus {
  queue_length: number;
  /** The job that runs, the oldest of them where several do. */
  processing_job: string | null;
  processing_jobs: string[];
  /** Seconds, over the last jobs; 0 before the first. */
  average_processing_time: number;
  /** The first hundred in the order in which they will run. */
  jobs: QueuedJob[];
}

/** Words that one speaker says in a row, in one language. */
export interface Segment {
  /** Seconds: start of the first word. */
  start_time: number;
  /** Seconds: end of the last word. */
  end_time: number;
  text: string;
  /** 0 to 1: mean of the words' confidences. */
  confidence: number;
  /** ISO 639-1 code. */
  language: string;
  words: Word[];
}

/** What the service can do. */
export interface ServiceInfo {
  service: "CallAnnotate";
  version: string;
  supported_formats: ("flac" | "mp3" | "opus" | "wav" | Later)[];
  /** Bytes. */
  max_file_size: number;
  /** Seconds. */
  max_duration: number;
  processing_mode: "asynchronous";
  model: string;
  engine: "onnx" | "pyannote" | Later;
  /** ISO 639-1 codes that the model knows. */
  languages: string[];
  api_endpoints: Endpoints;
}

/** The configuration as it is applied. */
export interface SessionConfig {
  audio: AudioFormat;
  /** ISO 639-1 code; null where it is detected. */
  language: string | null;
  partials: boolean;
  words: boolean;
  diarize: boolean;
  recognise: boolean;
  vocabulary: string[];
  save: boolean;
}

/** Opens a session; the first message, within 5 s. */
export interface SessionStart {
  type: "session.start";
  id?: string | null;
  audio: AudioFormat;
  /** ISO 639-1 code; null or "auto" to detect it per stretch of speech. */
  language?: string | null;
  /** Whether `transcript.partial` is sent. */
  partials?: boolean;
  /** Whether `transcript.final` lists its words. */
  words?: boolean;
  /** Whether voices are told apart; without it all is said by one speaker, or by one on each channel. */
  diarize?: boolean;
  /** Whether known voices are named. */
  recognise?: boolean;
  /** Names and terms to be expected. */
  vocabulary?: string[];
  /** Whether the call is kept as a job with its audio. */
  save?: boolean;
}

/** The speaker of some segments was revised, or has a name now. */
export interface SpeakerUpdated {
  type: "speaker.updated";
  seq: number;
  in_reply_to: string | null;
  updates: SpeakerUpdate[];
}

/** A job has come further, or its state changed. */
export interface StatusUpdate {
  type: "status_update";
  job_id: string;
  /** Counts the messages of a job from 1 without a gap; `?after_seq=` replays what came after one. */
  seq: number;
  status: "archived" | "completed" | "failed" | "processing" | "queued" | Later;
  progress: JobProgress;
  timestamp: string;
}

/** What was said in a segment; never changes, save its speaker. */
export interface TranscriptFinal {
  type: "transcript.final";
  seq: number;
  in_reply_to: string | null;
  segment_id: string;
  channel: number;
  start_ms: number;
  end_ms: number;
  /** Empty where partials were shown and turned out to be no speech. */
  text: string;
  /** Empty where `words` is false. */
  words: LiveWord[];
  speaker_id: string;
  /** 0 to 1: mean of the words' confidences. */
  confidence: number;
  /** ISO 639-1 code. */
  language: string;
  /** Why it is final: a pause in speech or a change of speaker, `finalize`, `pause`, or `audio.end`. */
  reason: "end" | "endpoint" | "finalize" | "pause" | Later;
}

/** One person whose voice is known. */
export interface Voice {
  /** UUID. */
  voice_id: string;
  name: string;
  note: string;
  created_at: string;
  /** When the name, the note or a sample changed last. */
  updated_at: string;
  /** Whether nothing can be recognised by it: another voiceprint model made all of its voiceprints. */
  stale: boolean;
  /** The oldest first. */
  samples: VoiceSample[];
}

/** The job that has ended. */
export interface WebhookJob {
  job_id: string;
  /** `cancelled`: it was deleted before it had ended, and nothing of it is left. */
  status: "cancelled" | "completed" | "failed" | Later;
  /** Null for one that was cancelled. */
  filename: string | null;
  created_at: string;
  ended_at: string;
  /** As it was sent with the recording; empty for one that was cancelled. */
  metadata: Record<string, unknown>;
  /** Why it failed. */
  error: JobFailure | null;
  /** Path of the result on the server, where there is one. */
  result_url: string | null;
}

/** The configuration as it is applied from here on. */
export interface ConfigUpdated {
  type: "config.updated";
  seq: number;
  in_reply_to: string | null;
  config: SessionConfig;
}

/** Contacts in the order of their names. */
export interface ContactPage {
  contacts: Contact[];
  /** Contacts that the filters let through, on all pages. */
  total: number;
  limit: number;
  offset: number;
}

/** How the service feels: unhealthy as soon as one component is. */
export interface HealthStatus {
  status: "healthy" | "unhealthy" | Later;
  version: string;
  /** Seconds. */
  uptime: number;
  queue_status: "active" | "stopped" | "stopping" | Later;
  /** Live sessions that have not ended. */
  live_sessions: number;
  components: HealthComponents;
  /** One line for each thing that is wrong. */
  problems: string[];
}

/** The session is open: audio may be sent. */
export interface SessionStarted {
  type: "session.started";
  seq: number;
  in_reply_to: string | null;
  session_id: string;
  /** Secret; who has it may go on with the session. */
  resume_token: string;
  config: SessionConfig;
  limits: SessionLimits;
  /** When the session ends at the latest. */
  expires_at: string;
}

/** One voice of the call and all that it says. */
export interface Speaker {
  /** `speaker_1` for the first to speak, and so on. */
  speaker_id: string;
  /** In time order. */
  segments: Segment[];
  /** Side of a two-sided call, counted from 0; null for a mono call. */
  channel: number | null;
  /** Name of a known voice, "unknown" where none matched, null where recognition did not run. */
  identified_as: string | null;
  /** 0 to 1: the probability that the identification is right. 0 of "unknown" and where recognition did not run. */
  confidence: number;
  /** What the voiceprint of the known voice was taken from, such as "ivan.vec". */
  voice_embedding_source: string | null;
  /** Whether the address books were looked into. */
  carddav_search_performed: boolean;
  /** Of the known voice; null where none matched. */
  voice_id: string | null;
  /** What the identification, or a suggestion, rests on. */
  evidence: Evidence[];
  /** The address book's; it may be known where the voice is not. */
  contact: FoundContact | null;
}

/** Voices in the order of their names. */
export interface VoicePage {
  voices: Voice[];
  /** Voices that the filter lets through, on all pages. */
  total: number;
  limit: number;
  offset: number;
}

/** The body: a job has ended. What was said in the call is not in it; `result_url` leads there. */
export interface WebhookMessage {
  type: "job.cancelled" | "job.completed" | "job.failed" | Later;
  /** When the job ended. */
  timestamp: string;
  data: WebhookJob;
}

/** Everything that is known about a call. The JSON file is this object. */
export interface Annotation {
  /** In the order of first appearance. */
  speakers: Speaker[];
  /** Of all speakers in the order of start_time; this is the diarization, kept whole, overlap included. */
  turns: Turn[];
  metadata: Metadata;
}

/** One job. */
export interface Job {
  /** UUID. */
  job_id: string;
  status: "archived" | "completed" | "failed" | "processing" | "queued" | Later;
  created_at: string;
  started_at: string | null;
  /** When it completed or failed. */
  completed_at: string | null;
  priority: number;
  /** Place in the queue, counted from 1; null unless queued. */
  position: number | null;
  progress: JobProgress;
  /** Seconds that processing takes by the speed measured on this machine; null where the length is unknown. */
  estimated_duration: number | null;
  estimated_completion: string | null;
  file_info: FileInfo;
  /** What the client sent with the recording, its own keys included. */
  metadata: Record<string, unknown>;
  /** Of a failed job. */
  error: JobFailure | null;
  progress_url: string;
  websocket_url: string;
  /** Only with `?include=result`: the result of a completed job, null before. */
  result?: Annotation | null;
}

/** The result of a completed job. */
export interface JobResult {
  job_id: string;
  status: "completed";
  completed_at: string;
  /** Seconds. */
  processing_time: number;
  result: Annotation;
}

/** The result of a completed job; the last message of the job. */
export interface ResultMessage {
  type: "result";
  job_id: string;
  seq: number;
  status: "completed";
  result: Annotation;
  timestamp: string;
}

/** The last message: all has been said, the connection is closed with 1000. */
export interface SessionEnded {
  type: "session.ended";
  seq: number;
  in_reply_to: string | null;
  totals: SessionTotals;
  /** The whole call, as `callannotate annotate` gives it for the same audio. */
  result: Annotation;
  /** The job as which the call was kept (`save`), the same UUID as the session's; null where it was not. */
  job_id: string | null;
}

/** Jobs, the newest first. */
export interface JobPage {
  jobs: Job[];
  /** Jobs that the filter lets through, on all pages. */
  total: number;
  limit: number;
  offset: number;
}

/** What is told of a job on `/ws/{job_id}`. */
export type JobMessage =
  | StatusUpdate
  | ResultMessage
  | JobErrorMessage;

/** What is told of the connection there. */
export type ConnectionMessage =
  | ConnectionErrorMessage
  | Ping
  | Pong
  | Closing;

/** What a client may say in a live session. */
export type LiveClientMessage =
  | SessionStart
  | Finalize
  | Pause
  | Resume
  | ConfigUpdate
  | Keepalive
  | SessionResume
  | AudioEnd;

/** What the server may say in a live session. */
export type LiveServerMessage =
  | SessionStarted
  | AudioAck
  | TranscriptPartial
  | TranscriptFinal
  | SpeakerUpdated
  | SpeechStarted
  | SpeechEnded
  | Finalized
  | Paused
  | Resumed
  | ConfigUpdated
  | KeepaliveAck
  | SessionResumed
  | LiveWarning
  | LiveError
  | SessionClosing
  | SessionEnded;

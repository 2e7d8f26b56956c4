import { pathsApiV1JobsJob_idResultGetParametersQueryFormatValues as formats, type components } from "./schema";

type Schemas = components["schemas"];
export type Job = Schemas["Job"];
export type JobPage = Schemas["JobPage"];
export type Annotation = Schemas["Annotation"];
export type Waveform = Schemas["Waveform"];
export type ServiceInfo = Schemas["ServiceInfo"];
export type ErrorDetail = Schemas["ErrorDetail"];
export type Login = Schemas["Login"];
export type JobRequest = Partial<Schemas["JobRequest"]>;
export type Evidence = Schemas["Evidence"];
export type FoundContact = Schemas["FoundContact"];
export type Voice = Schemas["Voice"];
export type VoiceSample = Schemas["VoiceSample"];
export type VoicePage = Schemas["VoicePage"];
export type Corrections = Schemas["Corrections"];
export type CorrectionsUpdate = Partial<Schemas["CorrectionsUpdate"]>;
type Format = (typeof formats)[number];

/** Formats of a transcript, as the server's description lists them. */
export const FORMATS: readonly Format[] = formats;

/** What the server says on `/ws/{job_id}`, as far as the page looks at it. */
export type JobMessage =
  | { type: "status_update"; job_id: string; seq: number; status: Job["status"]; progress: Job["progress"] }
  | { type: "result"; job_id: string; seq: number }
  | { type: "error"; job_id: string; seq: number };

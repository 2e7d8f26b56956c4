import { useEffect, useMemo } from "preact/hooks";
import { clock, counted, languageName, moment, t } from "../i18n";
import { CALLS } from "../router";
import { ExportMenu } from "./exports";
import { useKeys } from "./keys";
import { People } from "./people";
import { PlayerPanel } from "./panel";
import { Pending } from "./pending";
import { CallState } from "./state";
import { Toolbar } from "./toolbar";
import { Transcript } from "./transcript";

/** One call: its waveform, its speakers, its transcript. */
export function CallPage({ jobId }: { jobId: string }) {
  const call = useMemo(() => new CallState(jobId), [jobId]);
  useEffect(() => {
    void call.load();
    return () => call.close();
  }, [call]);
  useKeys(call);
  const job = call.job.value;
  useEffect(() => {
    if (job) document.title = `${job.file_info.filename} · ${t("app")}`;
  }, [job]);
  if (call.problem.value) {
    return (
      <div class="nothing">
        <p role="alert">{call.problem.value}</p>
        <p class="choices">
          <button type="button" onClick={() => void call.load()}>
            {t("again")}
          </button>
          <a href={CALLS}>{t("to_calls")}</a>
        </p>
      </div>
    );
  }
  if (job && !job.result) return <Pending job={job} />;
  if (!job || !call.annotation.value) return <div class="loading" aria-busy="true" />;
  return (
    <div class="call">
      <CallHead call={call} />
      <PlayerPanel call={call} />
      <div class="columns">
        <section class="reading" aria-label={t("transcript")}>
          <Toolbar call={call} />
          <Transcript call={call} />
        </section>
        <People call={call} />
      </div>
    </div>
  );
}

function CallHead({ call }: { call: CallState }) {
  const job = call.job.value;
  const annotation = call.annotation.value;
  if (!job || !annotation) return null;
  const { metadata } = annotation;
  const facts = [
    moment(job.created_at),
    clock(metadata.total_duration),
    counted("speakers_count", call.people.value.length),
    counted("words_count", metadata.word_count),
    metadata.languages.map(languageName).join(", "),
  ];
  const description = String(job.metadata?.["description"] ?? "");
  return (
    <header class="call-head">
      <div class="title">
        <h1>{job.file_info.filename}</h1>
        <p class="facts">{[...facts, description].filter(Boolean).join(" · ")}</p>
        {(metadata.warnings ?? []).length > 0 && (
          <ul class="warnings" aria-label={t("warnings")}>
            {(metadata.warnings ?? []).map((warning) => (
              <li key={warning.code}>{warning.message}</li>
            ))}
          </ul>
        )}
      </div>
      <ExportMenu call={call} />
    </header>
  );
}

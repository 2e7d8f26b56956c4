import { failure } from "../api/client";
import type { Job } from "../api/types";
import { t } from "../i18n";
import { CALLS } from "../router";

/** A call that has no transcript: not yet, or not any more. */
export function Pending({ job }: { job: Job }) {
  const { progress, status } = job;
  const stage = progress.current_stage;
  return (
    <div class="nothing">
      <h1>{job.file_info.filename}</h1>
      {(status === "queued" || status === "processing") && (
        <>
          <p role="status">{stage ? t(`stage_${stage}`) : t(status)}</p>
          <progress aria-label={t(status)} max={100} value={progress.percentage} />
          <p class="muted">{t("pending_hint")}</p>
        </>
      )}
      {status === "failed" && <p role="alert">{job.error ? failure(job.error) : t("failed")}</p>}
      {status === "archived" && <p role="alert">{t("archived_why")}</p>}
      <a href={CALLS}>{t("to_calls")}</a>
    </div>
  );
}

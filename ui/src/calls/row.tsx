import { failure } from "../api/client";
import type { Job } from "../api/types";
import { clock, moment, t } from "../i18n";
import { Icon } from "../parts/icons";
import { callAddress } from "../router";

/** One call of the list. */
export function CallRow({ job, remove }: { job: Job; remove: () => void }) {
  const { filename, duration } = job.file_info;
  const description = String(job.metadata?.["description"] ?? "");
  return (
    <li class={`call-row ${job.status}`} data-job={job.job_id}>
      <div class="what">
        {job.status === "completed" ? (
          <a class="name" href={callAddress(job.job_id)}>
            {filename}
          </a>
        ) : (
          <span class="name">{filename}</span>
        )}
        <span class="facts">
          {[moment(job.created_at), duration != null ? clock(duration) : "", description].filter(Boolean).join(" · ")}
        </span>
      </div>
      <State job={job} />
      {job.error && <p class="why">{failure(job.error)}</p>}
      {job.status === "archived" && <p class="facts">{t("archived_why")}</p>}
      <button type="button" class="plain remove" aria-label={t("remove_named", { name: filename })} onClick={remove}>
        <Icon name="remove" size={18} />
      </button>
    </li>
  );
}

function State({ job }: { job: Job }) {
  const { status, progress } = job;
  if (status === "processing") {
    const stage = progress.current_stage ? t(`stage_${progress.current_stage}`) : t("processing");
    return (
      <div class="state">
        <span class="stage">
          <span>{stage}</span>
          <span class="figure">{progress.percentage} %</span>
        </span>
        <progress aria-label={`${job.file_info.filename}: ${t("processing")}`} max={100} value={progress.percentage} />
      </div>
    );
  }
  if (status === "failed") {
    return (
      <div class="state">
        <span class="badge failed">{t("failed")}</span>
      </div>
    );
  }
  const waiting = status === "queued" && job.position != null ? t("queued_at", { n: job.position }) : t(status);
  return (
    <div class="state">
      <span class={`badge ${status}`}>{waiting}</span>
    </div>
  );
}

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Job } from "../api/types";
import { counted, t } from "../i18n";
import { Icon } from "../parts/icons";
import { Sure } from "../parts/dialog";
import { DropZone } from "./drop";
import { CallRow } from "./row";
import { Calls, type Sending } from "./store";

export function CallsPage() {
  const calls = useMemo(() => new Calls(), []);
  const [leaving, setLeaving] = useState<Job | null>(null);
  useEffect(() => {
    document.title = `${t("calls")} · ${t("app")}`;
    calls.start();
    return () => calls.stop();
  }, [calls]);
  const jobs = calls.jobs.value;
  return (
    <div class="calls">
      <DropZone info={calls.info.value} send={(files, options) => calls.send(files, options)} />
      {calls.sending.value.length > 0 && (
        <ul class="uploads">
          {calls.sending.value.map((sending) => (
            <SendingRow key={sending.id} sending={sending} forget={() => calls.forget(sending)} />
          ))}
        </ul>
      )}
      {calls.problem.value && (
        <p class="problem" role="alert">
          {calls.problem.value}
        </p>
      )}
      <div class="heading">
        <h1>{t("calls")}</h1>
        {calls.total.value > 0 && <span class="muted">{counted("calls_count", calls.total.value)}</span>}
      </div>
      {jobs?.length === 0 && <Empty />}
      {jobs !== null && jobs.length > 0 && (
        <ul class="list">
          {jobs.map((job) => (
            <CallRow key={job.job_id} job={job} remove={() => setLeaving(job)} />
          ))}
        </ul>
      )}
      {jobs !== null && jobs.length < calls.total.value && (
        <button type="button" class="more" onClick={() => calls.more()}>
          {t("more")}
        </button>
      )}
      {leaving && (
        <Sure
          text={t("remove_sure", { name: leaving.file_info.filename })}
          action={t("remove")}
          close={(sure) => {
            if (sure) void calls.remove(leaving);
            setLeaving(null);
          }}
        />
      )}
    </div>
  );
}

function Empty() {
  return (
    <div class="empty">
      <p class="large">{t("empty_title")}</p>
      <p class="muted">{t("empty_hint")}</p>
    </div>
  );
}

function SendingRow({ sending, forget }: { sending: Sending; forget: () => void }) {
  const label = t(sending.error ? "upload_failed" : "uploading", { name: sending.name });
  return (
    <li class={sending.error ? "refused" : ""}>
      <div class="text">
        <span class="name">{label}</span>
        {sending.error ? (
          <span class="why" role="alert">
            {sending.error}
          </span>
        ) : (
          <progress aria-label={label} max={1} value={sending.share} />
        )}
      </div>
      {sending.error && (
        <button type="button" class="quiet" onClick={sending.again}>
          {t("again")}
        </button>
      )}
      <button type="button" class="plain" aria-label={t(sending.error ? "close" : "cancel")} onClick={forget}>
        <Icon name="close" />
      </button>
    </li>
  );
}

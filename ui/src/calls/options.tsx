import { useId } from "preact/hooks";
import type { UploadOptions } from "../api/jobs";
import type { ServiceInfo } from "../api/types";
import { t } from "../i18n";
import { LanguageChoice } from "../parts/languages";

const MOST_SPEAKERS = 10;
const URGENT = 9;
const CHANNELS = ["auto", "two-sided", "mono"] as const;

interface OptionsProps {
  info: ServiceInfo | null;
  options: UploadOptions;
  change: (options: UploadOptions) => void;
}

/** What may be said of the next recordings: language and speakers at once, all else behind a word. */
export function Options({ info, options, change }: OptionsProps) {
  const number = useId();
  return (
    <div class="options" role="group" aria-label={t("options")}>
      <LanguageChoice
        codes={info?.languages ?? []}
        chosen={options.language ?? ""}
        choose={(language) => change({ ...options, language: language || null })}
      />
      <label for={number}>{t("speakers_number")}</label>
      <select
        id={number}
        value={options.speakers ?? ""}
        onChange={(event) => change({ ...options, speakers: Number(event.currentTarget.value) || null })}
      >
        <option value="">{t("open_number")}</option>
        {Array.from({ length: MOST_SPEAKERS }, (_, index) => (
          <option key={index} value={index + 1}>
            {index + 1}
          </option>
        ))}
      </select>
      <details class="further">
        <summary>{t("more_options")}</summary>
        <Further info={info} options={options} change={change} />
      </details>
    </div>
  );
}

function Further({ info, options, change }: OptionsProps) {
  const channels = useId();
  const write = (key: "description" | "caller" | "callee" | "model", text: string) => {
    const { [key]: _, ...others } = options;
    change(text.trim() ? { ...others, [key]: text.trim() } : others);
  };
  return (
    <div class="fields">
      <div>
        <label for={channels}>{t("channels")}</label>
        <select
          id={channels}
          value={options.channels ?? "auto"}
          onChange={(event) => change({ ...options, channels: CHANNELS[event.currentTarget.selectedIndex] ?? "auto" })}
        >
          {CHANNELS.map((mode) => (
            <option key={mode} value={mode}>
              {t(`channels_${mode}`)}
            </option>
          ))}
        </select>
      </div>
      <Field label={t("model")} placeholder={info?.model ?? ""} hint={t("model_hint")} write={(text) => write("model", text)} />
      <Field label={t("caller")} placeholder={t("party_hint")} write={(text) => write("caller", text)} />
      <Field label={t("callee")} placeholder={t("party_hint")} write={(text) => write("callee", text)} />
      <Field label={t("description")} placeholder={t("description_hint")} write={(text) => write("description", text)} />
      <label class="check">
        <input
          type="checkbox"
          checked={options.priority === URGENT}
          onChange={(event) => change({ ...options, priority: event.currentTarget.checked ? URGENT : 0 })}
        />
        {t("urgent")}
      </label>
    </div>
  );
}

interface FieldProps {
  label: string;
  placeholder: string;
  hint?: string;
  write: (text: string) => void;
}

function Field({ label, placeholder, hint, write }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label for={id}>{label}</label>
      <input
        id={id}
        maxLength={200}
        placeholder={placeholder}
        title={hint}
        autocomplete="off"
        onInput={(event) => write(event.currentTarget.value)}
      />
    </div>
  );
}

import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { UploadOptions } from "../api/jobs";
import type { ServiceInfo } from "../api/types";
import { bytes, languageName, t } from "../i18n";
import { Icon } from "../parts/icons";

const FIRST = ["en", "ru"];
const MOST_SPEAKERS = 10;
const KINDS = ".wav,.mp3,.flac,.opus,.ogg,audio/*";

interface DropZoneProps {
  info: ServiceInfo | null;
  send: (files: readonly File[], options: UploadOptions) => void;
}

/** Takes recordings, dropped anywhere on the page or chosen. */
export function DropZone({ info, send }: DropZoneProps) {
  const [options, setOptions] = useState<UploadOptions>({ language: "", speakers: null });
  const over = useDrop((files) => send(files, options));
  const input = useRef<HTMLInputElement>(null);
  return (
    <section class={`drop ${over ? "over" : ""}`} aria-label={t("drop_title")}>
      <div class="target">
        <span class="picture">
          <Icon name="upload" size={28} />
        </span>
        <p class="large">{t("drop_title")}</p>
        <p class="muted">{t("drop_hint", { size: bytes(info?.max_file_size ?? 2 ** 30) })}</p>
        <button type="button" class="primary" onClick={() => input.current?.click()}>
          {t("choose")}
        </button>
        <input
          ref={input}
          class="hidden"
          type="file"
          multiple
          accept={KINDS}
          tabIndex={-1}
          aria-label={t("choose")}
          onChange={() => {
            send([...(input.current?.files ?? [])], options);
            if (input.current) input.current.value = "";
          }}
        />
      </div>
      <Options info={info} options={options} change={setOptions} />
    </section>
  );
}

interface OptionsProps {
  info: ServiceInfo | null;
  options: UploadOptions;
  change: (options: UploadOptions) => void;
}

function Options({ info, options, change }: OptionsProps) {
  const [spoken, number] = [useId(), useId()];
  const others = (info?.languages ?? []).filter((code) => !FIRST.includes(code));
  others.sort((one, other) => languageName(one).localeCompare(languageName(other)));
  return (
    <div class="options" role="group" aria-label={t("options")}>
      <label for={spoken}>{t("spoken")}</label>
      <select
        id={spoken}
        value={options.language}
        onChange={(event) => change({ ...options, language: event.currentTarget.value })}
      >
        <option value="">{t("detect")}</option>
        {[...FIRST, ...others].map((code) => (
          <option key={code} value={code}>
            {languageName(code)}
          </option>
        ))}
      </select>
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
    </div>
  );
}

/** Whether files hang over the page; those that are let go are handed on. */
function useDrop(take: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    let depth = 0;
    const holds = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const handlers: Record<string, (event: DragEvent) => void> = {
      dragenter: () => setOver(++depth > 0),
      dragleave: () => setOver(--depth > 0),
      dragover: (event) => event.preventDefault(),
      drop: (event) => {
        event.preventDefault();
        depth = 0;
        setOver(false);
        latest.current([...(event.dataTransfer?.files ?? [])]);
      },
    };
    const listening = Object.entries(handlers).map(([name, handle]) => {
      const listener = (event: Event) => {
        if (holds(event as DragEvent)) handle(event as DragEvent);
      };
      addEventListener(name, listener);
      return () => removeEventListener(name, listener);
    });
    return () => listening.forEach((end) => end());
  }, []);
  return over;
}

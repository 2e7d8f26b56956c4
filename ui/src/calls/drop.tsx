import { useEffect, useRef, useState } from "preact/hooks";
import type { UploadOptions } from "../api/jobs";
import type { ServiceInfo } from "../api/types";
import { bytes, t } from "../i18n";
import { Icon } from "../parts/icons";
import { Options } from "./options";

const KINDS = ".wav,.mp3,.flac,.opus,.ogg,audio/*";

interface DropZoneProps {
  info: ServiceInfo | null;
  send: (files: readonly File[], options: UploadOptions) => void;
}

/** Takes recordings, dropped anywhere on the page or chosen. */
export function DropZone({ info, send }: DropZoneProps) {
  const [options, setOptions] = useState<UploadOptions>({});
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

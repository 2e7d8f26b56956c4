import { FORMATS } from "../api/types";
import { t } from "../i18n";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import type { CallState } from "./state";
import { Versions } from "./versions";

const NAMES: Readonly<Record<string, string>> = {
  json: "JSON",
  srt: "SubRip (SRT)",
  vtt: "WebVTT",
  txt: "Text (TXT)",
  tsv: "Table (TSV)",
  rttm: "RTTM",
  eaf: "ELAN (EAF)",
  textgrid: "Praat TextGrid",
  docx: "Word (DOCX)",
};
/** Of files, where it is not the name of the format. */
const EXTENSIONS: Readonly<Record<string, string>> = { textgrid: "TextGrid" };
const ORDER = Object.keys(NAMES);
const rank = (format: string): number => (ORDER.includes(format) ? ORDER.indexOf(format) : ORDER.length);
const SORTED = [...FORMATS].sort((one, other) => rank(one) - rank(other));

/** Downloads of a call, and its versions. */
export function ExportMenu({ call }: { call: CallState }) {
  const corrections = call.corrector.count.value;
  const filename = call.job.value?.file_info.filename ?? "call";
  const stem = filename.replace(/\.[^.]+$/, "");
  const address = (format: string, version: string) => `${call.address}/result?format=${format}&version=${version}`;
  return (
    <div class="exports">
      <Versions call={call} />
      <Menu
        className="right"
        label={
          <>
            <Icon name="download" size={18} />
            {t("export")}
          </>
        }
      >
        {(close) => (
          <>
            <p class="panel-title">
              {t("export_as")}
              {corrections > 0 && <span class="muted"> · {t("with_corrections")}</span>}
            </p>
            {SORTED.map((format) => (
              <a key={format} href={address(format, "corrected")} download={`${stem}.${EXTENSIONS[format] ?? format}`} onClick={close}>
                {NAMES[format] ?? format.toUpperCase()}
              </a>
            ))}
            <hr />
            {corrections > 0 && (
              <a href={address("json", "machine")} download={`${stem}.machine.json`} onClick={close}>
                {t("machine_version")} (JSON)
              </a>
            )}
            <a href={`${call.address}/audio`} download={filename} onClick={close}>
              {t("export_recording")}
            </a>
          </>
        )}
      </Menu>
    </div>
  );
}

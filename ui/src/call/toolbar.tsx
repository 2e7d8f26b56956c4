import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import type { CallState } from "./state";

/** Search, follow, correct. */
export function Toolbar({ call }: { call: CallState }) {
  const [helping, setHelping] = useState(false);
  return (
    <div class="toolbar">
      <Search call={call} />
      <span class="space" />
      <button type="button" class="quiet" title={t("unsure")} onClick={() => call.stepUnsure()}>
        <Icon name="unsure" size={18} />
        <span class="label">{t("unsure")}</span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={call.editing.value}
        disabled={call.asHeard.value}
        title={t("edit_hint")}
        onClick={() => {
          call.editing.value = !call.editing.value;
          call.open.value = null;
        }}
      >
        <Icon name="edit" size={18} />
        <span class="label">{t("edit")}</span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={call.following.value}
        title={t("follow_hint")}
        onClick={() => {
          call.following.value = !call.following.value;
        }}
      >
        <Icon name="follow" size={18} />
        <span class="label">{t("follow")}</span>
      </button>
      <button type="button" class="plain" aria-label={t("help")} title={t("help")} onClick={() => setHelping(true)}>
        <Icon name="keyboard" />
      </button>
      <Notes call={call} />
      {helping && <Help close={() => setHelping(false)} />}
    </div>
  );
}

/** What has to be said of the corrections. */
function Notes({ call }: { call: CallState }) {
  const { note, unsaved } = call.corrector;
  return (
    <>
      {call.asHeard.value && (
        <p class="note">
          <span>{t("as_heard")}</span>
          <button type="button" class="quiet" onClick={() => (call.asHeard.value = false)}>
            {t("show_corrected")}
          </button>
        </p>
      )}
      {note.value && (
        <p class="problem" role="alert">
          <span>{note.value}</span>
          {unsaved.value && (
            <button type="button" class="quiet" onClick={() => void call.corrector.retry()}>
              {t("again")}
            </button>
          )}
        </p>
      )}
    </>
  );
}

function Search({ call }: { call: CallState }) {
  const [text, setText] = useState("");
  useEffect(() => {
    const timer = window.setTimeout(() => {
      call.match.value = 0;
      call.wanted.value = text;
    }, 120);
    return () => window.clearTimeout(timer);
  }, [text]);
  const all = call.matches.value.length;
  const asked = call.wanted.value.trim() !== "";
  return (
    <div class="search" role="search">
      <Icon name="search" size={18} />
      <input
        type="search"
        value={text}
        placeholder={t("search")}
        aria-label={t("search_words")}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") call.stepMatch(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") setText("");
        }}
      />
      <span class="count" role="status">
        {asked && (all > 0 ? t("found", { n: call.match.value + 1, all }) : t("found_none"))}
      </span>
      {all > 1 && (
        <>
          <button type="button" class="plain" aria-label={t("previous")} onClick={() => call.stepMatch(-1)}>
            <Icon name="up" size={16} />
          </button>
          <button type="button" class="plain" aria-label={t("next")} onClick={() => call.stepMatch(1)}>
            <Icon name="down" size={16} />
          </button>
        </>
      )}
    </div>
  );
}

function Help({ close }: { close: () => void }) {
  const keys: [string, string][] = [
    ["Space", t("help_space")],
    ["← →", t("help_arrows")],
    ["↑ ↓", t("help_rows")],
    ["← →", t("help_words")],
    ["Enter", t("help_enter")],
    ["E, F2", t("help_edit")],
    ["S", t("help_speaker")],
    ["/", t("help_search")],
    ["U", t("help_unsure")],
    ["Ctrl+Z", t("help_undo")],
  ];
  return (
    <Dialog title={t("help")} close={close}>
      <dl class="keys">
        {keys.map(([key, meaning]) => (
          <div key={meaning}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

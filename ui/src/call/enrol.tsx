import { useEffect, useId, useState } from "preact/hooks";
import { get, told } from "../api/client";
import type { Voice, VoicePage } from "../api/types";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import { Dialog } from "../parts/dialog";
import type { Person } from "./model";
import type { CallState } from "./state";

const MOST = 1000;

/** Remember the voice of a speaker: a new one, or one more sample of one that is known. */
export function Enrol({ call, person, close }: { call: CallState; person: Person; close: () => void }) {
  const [name, setName] = useState(person.name ?? "");
  const [voices, setVoices] = useState<readonly Voice[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [field, list] = [useId(), useId()];
  useEffect(() => {
    get<VoicePage>(`/api/v1/voices?limit=${MOST}`).then((page) => setVoices(page.voices), () => undefined);
  }, []);
  const same = name.trim().toLocaleLowerCase();
  const known = voices.find((voice) => voice.name.toLocaleLowerCase() === same);

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const voice = await call.enrol(person.id, known ? { voice_id: known.voice_id } : { name: name.trim() });
      announce(t("enrol_done", { name: voice.name }));
      if (voice.name !== person.name) await call.nameSpeaker(person.id, voice.name);
      close();
    } catch (error) {
      setProblem(told(error));
    }
    setBusy(false);
  }

  return (
    <Dialog title={t("enrol_title", { name: call.nameOf(person.id) })} close={close}>
      <form onSubmit={(event) => void send(event)}>
        <p class="muted">{t("enrol_hint")}</p>
        <label for={field}>{t("name")}</label>
        <input
          id={field}
          value={name}
          required
          maxLength={200}
          list={list}
          autocomplete="off"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <datalist id={list}>
          {voices.map((voice) => (
            <option key={voice.voice_id} value={voice.name} />
          ))}
        </datalist>
        {known && <p class="hint">{t("enrol_known", { name: known.name })}</p>}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
          <button type="submit" class="primary" disabled={busy || name.trim() === ""} aria-busy={busy}>
            {t("save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

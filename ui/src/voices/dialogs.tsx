import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { told } from "../api/client";
import type { Voice } from "../api/types";
import { t } from "../i18n";
import { announce } from "../parts/announce";
import { Dialog } from "../parts/dialog";
import type { Voices } from "./store";

const KINDS = ".wav,.mp3,.flac,.opus,.ogg,.npy,.vec,audio/*";

interface VoiceDialogProps {
  voices: Voices;
  voice: Voice;
  close: () => void;
}

interface AskingProps {
  title: string;
  action: string;
  kind?: "primary" | "danger";
  ready?: boolean;
  /** Closes the dialog when it is done; what it raises is shown. */
  act: () => Promise<void>;
  close: () => void;
  children: ComponentChildren;
}

/** A dialog with fields, and one thing that is done with them. */
function Asking({ title, action, kind = "primary", ready = true, act, close, children }: AskingProps) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await act();
      close();
    } catch (error) {
      setProblem(told(error));
      setBusy(false);
    }
  }

  return (
    <Dialog title={title} close={close}>
      <form onSubmit={(event) => void send(event)}>
        {children}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
          <button type="submit" class={kind} disabled={busy || !ready} aria-busy={busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface WordsProps {
  name: string;
  note: string;
  setName: (name: string) => void;
  setNote: (note: string) => void;
}

function Words({ name, note, setName, setNote }: WordsProps) {
  const [first, second] = [useId(), useId()];
  return (
    <>
      <label for={first}>{t("name")}</label>
      <input id={first} value={name} required maxLength={200} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
      <label for={second}>{t("note")}</label>
      <input id={second} value={note} maxLength={1000} autocomplete="off" placeholder={t("note_hint")} onInput={(event) => setNote(event.currentTarget.value)} />
    </>
  );
}

/** A recording of one person makes a voice, or another sample of one. */
export function AddVoice({ voices, voice, close }: Omit<VoiceDialogProps, "voice"> & { voice: Voice | null }) {
  const [name, setName] = useState("");
  const [note, setNote] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const stop = useRef(new AbortController());
  const field = useId();
  useEffect(() => () => stop.current.abort(), []);

  async function send(): Promise<void> {
    if (!file) return;
    const metadata = voice ? {} : { name: name.trim(), note: note.trim() };
    try {
      const made = await voices.add(voice, file, metadata, setShare, stop.current.signal);
      announce(t("enrol_done", { name: made.name }));
    } finally {
      setShare(null);
    }
  }

  return (
    <Asking
      title={voice ? t("sample_add", { name: voice.name }) : t("voice_add")}
      action={t("save")}
      ready={file !== null && (voice !== null || name.trim() !== "")}
      act={send}
      close={close}
    >
      <p class="muted">{t("voice_add_hint")}</p>
      {!voice && <Words name={name} note={note} setName={setName} setNote={setNote} />}
      <label for={field}>{t("voice_file")}</label>
      <input id={field} type="file" accept={KINDS} onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
      {share !== null && <progress aria-label={t("uploading", { name: file?.name ?? "" })} max={1} value={share} />}
    </Asking>
  );
}

export function Rename({ voices, voice, close }: VoiceDialogProps) {
  const [name, setName] = useState(voice.name);
  const [note, setNote] = useState(voice.note);
  return (
    <Asking
      title={t("rename", { name: voice.name })}
      action={t("save")}
      ready={name.trim() !== ""}
      act={() => voices.rename(voice, name.trim(), note.trim())}
      close={close}
    >
      <p class="muted">{t("voice_rename_hint")}</p>
      <Words name={name} note={note} setName={setName} setNote={setNote} />
    </Asking>
  );
}

export function Forget({ voices, voice, close }: VoiceDialogProps) {
  const [results, setResults] = useState(false);
  return (
    <Asking title={t("voice_do_forget")} action={t("voice_do_forget")} kind="danger" act={() => voices.forget(voice, results)} close={close}>
      <p>{t("voice_forget_sure", { name: voice.name })}</p>
      <label class="check">
        <input type="checkbox" checked={results} onChange={(event) => setResults(event.currentTarget.checked)} />
        <span>{t("voice_forget_results")}</span>
      </label>
    </Asking>
  );
}

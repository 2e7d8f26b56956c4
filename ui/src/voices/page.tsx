import { useEffect, useMemo, useState } from "preact/hooks";
import type { Voice } from "../api/types";
import { counted, t } from "../i18n";
import { Icon } from "../parts/icons";
import { AddVoice, Forget, Rename } from "./dialogs";
import { VoiceRow } from "./row";
import { Voices } from "./store";

/** What is asked about a voice; about a new one where it is null. */
interface Asked {
  what: "add" | "rename" | "forget";
  voice: Voice | null;
}

/** Everybody whose voice is known. */
export function VoicesPage() {
  const voices = useMemo(() => new Voices(), []);
  const [asked, setAsked] = useState<Asked | null>(null);
  useEffect(() => {
    document.title = `${t("voices")} · ${t("app")}`;
    void voices.load();
  }, [voices]);
  const all = voices.voices.value;
  const close = () => setAsked(null);
  const about = asked?.voice ?? null;
  return (
    <div class="voices">
      <div class="heading">
        <h1>{t("voices")}</h1>
        {voices.total.value > 0 && <span class="muted">{counted("voices_count", voices.total.value)}</span>}
        <span class="space" />
        <button type="button" class="primary" onClick={() => setAsked({ what: "add", voice: null })}>
          <Icon name="add" size={18} />
          {t("voice_add")}
        </button>
      </div>
      <p class="muted">{t("voices_hint")}</p>
      {(voices.total.value > 1 || voices.wanted.value !== "") && <Search voices={voices} />}
      {voices.problem.value && (
        <p class="problem" role="alert">
          {voices.problem.value}
        </p>
      )}
      {all?.length === 0 && <p class="empty muted">{t(voices.wanted.value ? "found_none" : "voices_empty")}</p>}
      {all !== null && all.length > 0 && (
        <ul class="list">
          {all.map((voice) => (
            <VoiceRow key={voice.voice_id} voice={voice} voices={voices} ask={(what) => setAsked({ what, voice })} />
          ))}
        </ul>
      )}
      {all !== null && all.length < voices.total.value && (
        <button type="button" class="more" onClick={() => voices.more()}>
          {t("more")}
        </button>
      )}
      {asked?.what === "add" && <AddVoice voices={voices} voice={about} close={close} />}
      {asked?.what === "rename" && about && <Rename voices={voices} voice={about} close={close} />}
      {asked?.what === "forget" && about && <Forget voices={voices} voice={about} close={close} />}
    </div>
  );
}

function Search({ voices }: { voices: Voices }) {
  return (
    <div class="search" role="search">
      <Icon name="search" size={18} />
      <input
        type="search"
        value={voices.wanted.value}
        placeholder={t("search")}
        aria-label={t("voices_search")}
        onInput={(event) => voices.search(event.currentTarget.value)}
      />
    </div>
  );
}

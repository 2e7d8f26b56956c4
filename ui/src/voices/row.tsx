import type { Voice, VoiceSample } from "../api/types";
import { clock, counted, moment, t } from "../i18n";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { callAddress } from "../router";
import { type Voices, voiceprints } from "./store";

interface VoiceRowProps {
  voice: Voice;
  voices: Voices;
  ask: (what: "add" | "rename" | "forget") => void;
}

/** One person: the name, what it is known by, and what can be done with it. */
export function VoiceRow({ voice, voices, ask }: VoiceRowProps) {
  const speech = voice.samples.reduce((sum, sample) => sum + (sample.speech ?? 0), 0);
  const facts = [counted("samples_count", voice.samples.length), speech ? t("speech", { length: clock(speech) }) : ""];
  return (
    <li class="voice-row" data-voice={voice.voice_id}>
      <div class="what">
        <span class="name">{voice.name}</span>
        <span class="facts">{[...facts, voice.note].filter(Boolean).join(" · ")}</span>
        {voice.stale && <span class="why">{t("voice_stale")}</span>}
      </div>
      <Menu className="right" name={t("voice_menu", { name: voice.name })} label={<Icon name="more" />}>
        {(close) => (
          <>
            {(["add", "rename", "forget"] as const).map((what) => (
              <button
                key={what}
                type="button"
                onClick={() => {
                  close();
                  ask(what);
                }}
              >
                {t(`voice_do_${what}`)}
              </button>
            ))}
            <a href={voiceprints(voice)} download={`${voice.name}.npy`} onClick={close}>
              {t("voiceprints")}
            </a>
          </>
        )}
      </Menu>
      <details>
        <summary>{t("samples")}</summary>
        <ul>
          {voice.samples.map((sample) => (
            <Sample key={sample.sample_id} sample={sample} forget={() => void voices.forgetSample(voice, sample.sample_id)} />
          ))}
        </ul>
      </details>
    </li>
  );
}

function Sample({ sample, forget }: { sample: VoiceSample; forget: () => void }) {
  const facts = [
    t(`sample_${sample.source}`),
    moment(sample.created_at),
    sample.speech != null ? t("speech", { length: clock(sample.speech) }) : "",
    sample.stale ? t("sample_stale") : "",
  ];
  return (
    <li>
      <div class="what">
        {sample.job_id ? <a href={callAddress(sample.job_id)}>{sample.filename}</a> : <span>{sample.filename}</span>}
        <span class="facts">{facts.filter(Boolean).join(" · ")}</span>
      </div>
      <button type="button" class="plain" aria-label={t("remove_named", { name: sample.filename })} onClick={forget}>
        <Icon name="remove" size={18} />
      </button>
    </li>
  );
}

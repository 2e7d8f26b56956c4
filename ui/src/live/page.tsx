import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { get } from "../api/client";
import type { ServiceInfo } from "../api/types";
import { COLOURS } from "../call/model";
import { clock, t } from "../i18n";
import { Icon } from "../parts/icons";
import { LanguageChoice } from "../parts/languages";
import { callAddress } from "../router";
import { Desk } from "./desk";
import type { Line, Talk } from "./talk";

/** The microphone, and what is said into it. */
export function LivePage() {
  const desk = useMemo(() => new Desk(), []);
  useEffect(() => {
    document.title = `${t("live_title")} · ${t("app")}`;
    return () => desk.close();
  }, [desk]);
  const phase = desk.phase.value;
  const over = phase === "idle" || phase === "ended" || phase === "failed";
  return (
    <div class="live">
      <h1>{t("live_title")}</h1>
      <p class="muted">{t("live_hint")}</p>
      <div class="desk" data-resumes={desk.resumes.value}>
        {over ? (
          <button type="button" class="primary big" onClick={() => void desk.start()}>
            <Icon name="microphone" />
            {t("live_start")}
          </button>
        ) : (
          <Running desk={desk} />
        )}
        {over ? <Choices language={desk.language} save={desk.save} /> : <Level level={desk.level.value} />}
        <State desk={desk} />
        {desk.kept.value && (
          <a class="open" href={callAddress(desk.kept.value)}>
            {t("live_open")}
          </a>
        )}
      </div>
      {desk.problem.value && (
        <p class="problem" role="alert">
          {desk.problem.value}
        </p>
      )}
      <Lines talk={desk.talk.value} />
    </div>
  );
}

function Running({ desk }: { desk: Desk }) {
  const phase = desk.phase.value;
  const paused = phase === "paused";
  return (
    <>
      <button type="button" class="big" disabled={phase === "finishing"} onClick={() => desk.stop()}>
        <Icon name="stop" />
        {t("live_stop")}
      </button>
      <button
        type="button"
        disabled={phase !== "listening" && !paused}
        onClick={() => (paused ? desk.resume() : desk.pause())}
      >
        {t(paused ? "live_resume" : "live_pause")}
      </button>
    </>
  );
}

function State({ desk }: { desk: Desk }) {
  const phase = desk.phase.value;
  const progress = desk.progress.value;
  if (phase === "idle" || phase === "failed") return null;
  return (
    <p class={`phase ${phase}`} role="status">
      <span class="lamp" />
      {t(`live_${phase}`)}
      {phase === "finishing" && progress !== null && ` ${progress} %`}
    </p>
  );
}

interface ChoicesProps {
  language: { value: string };
  save: { value: boolean };
}

function Choices({ language, save }: ChoicesProps) {
  const codes = useSignal<string[]>([]);
  const keep = useId();
  useEffect(() => {
    get<ServiceInfo>("/api/v1/info").then(
      (info) => {
        codes.value = info.languages;
      },
      () => undefined,
    );
  }, []);
  return (
    <>
      <LanguageChoice
        codes={codes.value}
        chosen={language.value}
        choose={(code) => {
          language.value = code;
        }}
      />
      <label class="check" for={keep}>
        <input
          id={keep}
          type="checkbox"
          checked={save.value}
          onChange={(event) => {
            save.value = event.currentTarget.checked;
          }}
        />
        {t("live_save")}
      </label>
    </>
  );
}

/** How loud the microphone is, on a scale of 60 dB. */
function Level({ level }: { level: number }) {
  const share = Math.max(0, 1 + Math.log10(Math.max(level, 0.001)) / 3);
  return (
    <div class="level" role="meter" aria-label={t("live_level")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(100 * share)}>
      <span style={{ width: `${100 * share}%` }} />
    </div>
  );
}

function Lines({ talk }: { talk: Talk }) {
  const list = useRef<HTMLOListElement>(null);
  const last = talk.lines.at(-1);
  useEffect(() => {
    list.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [last?.id, last?.text]);
  if (!last) return <p class="waiting muted">{t("live_empty")}</p>;
  return (
    <ol class="lines" ref={list} aria-label={t("transcript")}>
      {talk.lines.map((line, index) => (
        <LiveLine key={line.id} line={line} names={talk.names} first={talk.lines[index - 1]?.speaker !== line.speaker} />
      ))}
    </ol>
  );
}

function LiveLine({ line, names, first }: { line: Line; names: Talk["names"]; first: boolean }) {
  const number = Number(line.speaker?.replace(/^\D+/, "") ?? 0);
  const name = line.speaker ? (names[line.speaker] ?? t("speaker_n", { n: number })) : "…";
  return (
    <li class={`line ${number ? `c${((number - 1) % COLOURS) + 1}` : ""} ${line.final ? "final" : "partial"}`} data-segment={line.id}>
      <span class="time">{clock(line.start)}</span>
      <div class="body">
        {first && <span class="who">{name}</span>}
        <p lang={line.language || undefined}>{line.text}</p>
      </div>
    </li>
  );
}

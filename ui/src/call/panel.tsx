import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import WaveSurfer from "wavesurfer.js";
import { clock, t } from "../i18n";
import { Icon } from "../parts/icons";
import { colours } from "../prefs";
import { Lanes, type View } from "./lanes";
import { SPEEDS } from "./player";
import type { CallState } from "./state";

const MOST_ZOOM = 100;

/** Waveform, lanes and controls. */
export function PlayerPanel({ call }: { call: CallState }) {
  const player = call.player.value;
  const view = useSignal<View>({ start: 0, end: player?.duration ?? 0 });
  const zoom = useSignal(0);
  if (!player) return null;
  return (
    <section class="player" aria-label={t("player")}>
      <div class="drawing">
        <Wave call={call} zoom={zoom.value} seen={(seen) => (view.value = seen)} />
        <Lanes call={call} view={view.value} />
      </div>
      {player.failed.value && (
        <p class="problem" role="alert">
          {t("unplayable")}
        </p>
      )}
      <Controls call={call} zoom={zoom.value} setZoom={(level) => (zoom.value = level)} />
    </section>
  );
}

interface ControlsProps {
  call: CallState;
  zoom: number;
  setZoom: (zoom: number) => void;
}

function Controls({ call, zoom, setZoom }: ControlsProps) {
  const player = call.player.value;
  const [speed, scale] = [useId(), useId()];
  if (!player) return null;
  const playing = player.playing.value;
  return (
    <div class="controls">
      <button type="button" class="plain" aria-label={t("back")} title={t("back")} onClick={() => player.skip(-1)}>
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="round"
        aria-label={t(playing ? "pause" : "play")}
        title={t(playing ? "pause" : "play")}
        onClick={() => player.toggle()}
      >
        <Icon name={playing ? "pause" : "play"} size={24} />
      </button>
      <button type="button" class="plain" aria-label={t("forward")} title={t("forward")} onClick={() => player.skip(1)}>
        <Icon name="forward" />
      </button>
      <Clock call={call} />
      <span class="space" />
      <label class="hidden" for={speed}>
        {t("speed")}
      </label>
      <select
        id={speed}
        class="quiet"
        value={player.speed.value}
        onChange={(event) => player.setSpeed(Number(event.currentTarget.value))}
      >
        {SPEEDS.map((value) => (
          <option key={value} value={value}>
            {value}×
          </option>
        ))}
      </select>
      <label class="zoom" for={scale}>
        <span>{t("zoom")}</span>
        <input
          id={scale}
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={zoom}
          onInput={(event) => setZoom(Number(event.currentTarget.value))}
        />
      </label>
    </div>
  );
}

/** The time of the player; also the slider by which the keyboard and screen readers move it. */
function Clock({ call }: { call: CallState }) {
  const player = call.player.value;
  if (!player) return null;
  const shown = Math.floor(player.time.value);
  return (
    <div class="clock">
      <span class="now">{clock(shown)}</span>
      <input
        class="position"
        type="range"
        min={0}
        max={Math.ceil(player.duration)}
        step={1}
        value={shown}
        aria-label={t("position")}
        aria-valuetext={clock(shown)}
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
      />
      <span class="muted">{clock(player.duration)}</span>
    </div>
  );
}

interface WaveProps {
  call: CallState;
  /** 0 for the whole call, 1 for the closest. */
  zoom: number;
  seen: (view: View) => void;
}

function Wave({ call, zoom, seen }: WaveProps) {
  const element = useRef<HTMLDivElement>(null);
  const wave = useRef<WaveSurfer | null>(null);
  const waveform = call.waveform.value;
  const player = call.player.value;
  const palette = colours.value;

  useEffect(() => {
    if (!element.current || !waveform || !player) return undefined;
    const style = getComputedStyle(element.current);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.nonce ?? "";
    const made = WaveSurfer.create({
      container: element.current,
      media: player.audio,
      peaks: waveform.channels.map((channel) => Float32Array.from(channel, (peak) => peak / 255)),
      duration: waveform.duration,
      height: waveform.channels.length > 1 ? 40 : 72,
      ...(waveform.channels.length > 1 ? { splitChannels: [{}, {}] } : {}),
      normalize: true,
      barWidth: 2,
      barGap: 1,
      barRadius: 2,
      waveColor: colour("--wave"),
      progressColor: colour("--wave-done"),
      cursorColor: colour("--cursor"),
      cursorWidth: 2,
      dragToSeek: true,
      hideScrollbar: false,
      cspNonce: nonce,
    });
    const look = () => seen(visible(made, player.duration));
    made.on("scroll", look);
    made.on("redraw", look);
    made.on("resize", look);
    made.on("interaction", (time) => player.seek(time));
    wave.current = made;
    return () => {
      wave.current = null;
      // The recording goes on playing while the colours change.
      made.destroy();
    };
  }, [waveform, player, palette]);

  useEffect(() => {
    const made = wave.current;
    // The peaks are there a moment after the waveform was made.
    if (!made?.getDecodedData() || !waveform || !element.current) return;
    const least = element.current.clientWidth / Math.max(1, waveform.duration);
    made.zoom(zoom === 0 ? 0 : least * (Math.max(least, MOST_ZOOM) / least) ** zoom);
    made.setScrollTime(Math.max(0, (player?.time.peek() ?? 0) - element.current.clientWidth / made.options.minPxPerSec / 2));
    seen(visible(made, player?.duration ?? waveform.duration));
  }, [zoom, waveform]);

  return <div class="wave" ref={element} aria-hidden="true" />;
}

/** What of a call of so many seconds is seen. */
function visible(wave: WaveSurfer, duration: number): View {
  const width = wave.getWrapper().clientWidth || 1;
  const start = (wave.getScroll() / width) * duration;
  return { start, end: Math.min(duration, start + (wave.getWidth() / width) * duration) };
}

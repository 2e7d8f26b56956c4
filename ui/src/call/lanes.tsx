import { useEffect, useRef } from "preact/hooks";
import type { Annotation } from "../api/types";
import { t } from "../i18n";
import { colours } from "../prefs";
import type { Person, Row } from "./model";
import type { CallState } from "./state";

/** The stretch of the call that is seen, in seconds. */
export interface View {
  start: number;
  end: number;
}

const LANE = 14;
const GAP = 4;
const LEAST = 2;

interface Bar {
  lane: number;
  start: number;
  end: number;
}

/** A lane for each speaker below the waveform: where two speak at once, two lanes are filled. */
export function Lanes({ call, view }: { call: CallState; view: View }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const people = call.people.value;
  const annotation = call.annotation.value;
  const rows = call.rows.value;
  const palette = colours.value;
  const height = people.length * (LANE + GAP);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !annotation) return undefined;
    const bars = barsOf(annotation, rows, people);
    const redraw = () => draw(element, bars, people, view, height);
    redraw();
    const observer = new ResizeObserver(redraw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [annotation, rows, people, view, palette, height]);

  function seek(event: MouseEvent): void {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return;
    call.player.value?.seek(view.start + ((event.clientX - box.left) / box.width) * (view.end - view.start));
  }

  return (
    <div class="lanes">
      <canvas ref={canvas} role="img" aria-label={t("waveform")} onClick={seek} />
      <Cursor call={call} view={view} />
    </div>
  );
}

function Cursor({ call, view }: { call: CallState; view: View }) {
  const time = call.player.value?.time.value ?? 0;
  const share = (time - view.start) / Math.max(0.001, view.end - view.start);
  if (share < 0 || share > 1) return null;
  return <div class="cursor" style={{ left: `${100 * share}%` }} />;
}

/** The turns of all speakers, given to whoever said what they hold by now. */
function barsOf(annotation: Annotation, rows: readonly Row[], people: readonly Person[]): Bar[] {
  const lanes = new Map(people.map((person, lane) => [person.id, lane]));
  const moved = rows.filter((row) => row.speaker !== row.speakerId);
  const bars: Bar[] = [];
  for (const turn of annotation.turns) {
    let start = turn.start_time;
    for (const row of moved) {
      if (row.speakerId !== turn.speaker_id || row.end <= start || row.start >= turn.end_time) continue;
      bars.push({ lane: lanes.get(turn.speaker_id) ?? 0, start, end: Math.max(start, row.start) });
      bars.push({ lane: lanes.get(row.speaker) ?? 0, start: Math.max(start, row.start), end: Math.min(row.end, turn.end_time) });
      start = Math.min(row.end, turn.end_time);
    }
    bars.push({ lane: lanes.get(turn.speaker_id) ?? 0, start, end: turn.end_time });
  }
  return bars.filter((bar) => bar.end > bar.start);
}

function draw(
  canvas: HTMLCanvasElement,
  bars: readonly Bar[],
  people: readonly Person[],
  view: View,
  height: number,
): void {
  const width = canvas.clientWidth;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context || view.end <= view.start) return;
  const style = getComputedStyle(canvas);
  context.scale(ratio, ratio);
  const scale = width / (view.end - view.start);
  context.fillStyle = style.getPropertyValue("--lane");
  people.forEach((_, lane) => context.fillRect(0, lane * (LANE + GAP) + LANE / 2 - 0.5, width, 1));
  const fills = people.map((person) => style.getPropertyValue(`--s${person.colour}`));
  for (const bar of bars) {
    if (bar.end < view.start || bar.start > view.end) continue;
    const x = (bar.start - view.start) * scale;
    context.fillStyle = fills[bar.lane] ?? "gray";
    context.beginPath();
    context.roundRect(x, bar.lane * (LANE + GAP), Math.max(LEAST, (bar.end - bar.start) * scale), LANE, 3);
    context.fill();
  }
}

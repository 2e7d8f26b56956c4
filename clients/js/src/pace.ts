import { now } from "./timing.js";

/** The clock of a session's audio, as its server has it: it runs from the start and stands still during pauses. */
export class Pace {
  /** When the audio began; later by every pause. */
  private began = 0;
  /** Whether the server was told that the audio stands still; null where that may have got lost. */
  private paused: boolean | null = false;
  /** Bytes that had been sent when it was last told of a pause or its end, */
  private toldAfter = -1;
  /** and until when pauses are counted in `began`. */
  private counted = 0;

  start(): void {
    this.began = now();
  }

  /** The session goes on over another connection, and so many bytes had arrived. */
  resumed(bytes: number): void {
    if (bytes <= this.toldAfter) this.paused = null;
  }

  /** What the server has to be told where the audio stands still, or does not, after so many bytes. */
  turn(still: boolean, bytes: number): "pause" | "resume" | null {
    if (still === this.paused) return null;
    // Where it is not known what the server heard of, its clock may have stood still since then.
    if (!still) this.began += now() - this.counted;
    if (!still || this.paused === false) this.counted = now();
    this.paused = still;
    this.toldAfter = bytes;
    return still ? "pause" : "resume";
  }

  /** By how many seconds such a length of audio is ahead of real time. */
  ahead(seconds: number): number {
    return this.began + seconds - now();
  }
}

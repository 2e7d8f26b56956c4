import { signal } from "@preact/signals";

export const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;
const SKIP = 5;

/** The recording of a call, and where it is played. */
export class Player {
  readonly audio = new Audio();
  readonly time = signal(0);
  readonly playing = signal(false);
  readonly speed = signal(1);
  readonly failed = signal(false);
  private frame = 0;

  constructor(
    readonly source: string,
    readonly duration: number,
  ) {
    this.audio.preload = "metadata";
    this.audio.src = source;
    this.audio.addEventListener("play", () => {
      this.playing.value = true;
      this.tick();
    });
    this.audio.addEventListener("pause", () => {
      this.playing.value = false;
      this.time.value = this.audio.currentTime;
    });
    this.audio.addEventListener("seeked", () => {
      this.time.value = this.audio.currentTime;
    });
    this.audio.addEventListener("error", () => {
      this.failed.value = this.audio.error !== null;
    });
  }

  toggle(): void {
    if (this.audio.paused) void this.play();
    else this.audio.pause();
  }

  seek(time: number): void {
    const wanted = Math.min(Math.max(0, time), this.duration);
    this.audio.currentTime = wanted;
    this.time.value = wanted;
  }

  skip(steps: number): void {
    this.seek(this.time.peek() + steps * SKIP);
  }

  /** Play from a time on. */
  playFrom(time: number): void {
    this.seek(time);
    void this.play();
  }

  setSpeed(speed: number): void {
    this.audio.playbackRate = speed;
    this.speed.value = speed;
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  private async play(): Promise<void> {
    try {
      await this.audio.play();
    } catch (error) {
      // A pause right after the start is no failure.
      if ((error as DOMException).name === "NotSupportedError") this.failed.value = true;
    }
  }

  private tick(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (this.audio.paused) return;
      this.time.value = this.audio.currentTime;
      this.tick();
    });
  }
}

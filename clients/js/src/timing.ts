/** Seconds before the first and at most before any further attempt; doubled from one to the next. */
export const BACK_OFF = [0.2, 5] as const;
/** Seconds without a connection after which it is given up; servers keep a live session as long by default. */
export const PATIENCE = 60;

/** The seconds between attempts: ever longer, and a little at random, so that not all clients come back at once. */
export class Delays {
  private next: number = BACK_OFF[0];

  /** It went well: begin anew. */
  reset(): void {
    this.next = BACK_OFF[0];
  }

  /** Seconds until the next attempt, and no sooner than the server wants. */
  after(wanted: number | null = null): number {
    const wait = this.next * (0.5 + 0.5 * Math.random());
    this.next = Math.min(2 * this.next, BACK_OFF[1]);
    return Math.max(wait, wanted ?? 0);
  }
}

/** Seconds on a clock that nobody sets. */
export function now(): number {
  return performance.now() / 1000;
}

/** Wait for so many seconds; rejects with the signal's reason. */
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(finish, seconds * 1000);
    function finish(): void {
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Tells whoever waits that something has changed. */
export class Pulse {
  private waiting: (() => void)[] = [];

  /** Wake everybody. */
  fire(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }

  /** Until the next fire, or for so many seconds. */
  wait(seconds?: number): Promise<void> {
    return new Promise((resolve) => {
      if (seconds === undefined) {
        this.waiting.push(resolve);
        return;
      }
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== wake);
        resolve();
      }, seconds * 1000);
      this.waiting.push(wake);
    });
  }
}

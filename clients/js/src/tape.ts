import { Pulse } from "./timing.js";

/** Audio that was recorded and may have to be sent again; bounded. */
export class Tape {
  finished = false;
  /** Whether the audio stands still. */
  held = false;
  /** Fires when something was written or forgotten. */
  readonly changed = new Pulse();
  private readonly blocks: Uint8Array[] = [];
  /** Offset in the stream of the first byte that is kept. */
  private start = 0;
  private size = 0;

  constructor(
    /** Bytes. */
    private readonly capacity: number,
    /** Bytes of a sample of all channels, which is never cut in two. */
    private readonly unit = 1,
  ) {}

  /** Bytes that were written. */
  get end(): number {
    return this.start + this.size;
  }

  /** Waits until there is room; after the end nothing is written. */
  async write(data: Uint8Array): Promise<void> {
    while (!this.finished && !this.offer(data)) await this.changed.wait();
  }

  /** Writes it where there is room and the audio does not stand still, and says whether it was so. */
  offer(data: Uint8Array): boolean {
    const full = this.size > 0 && this.size + data.length > this.capacity;
    if (this.finished || this.held || full) return false;
    // Whoever wrote it may use its memory again.
    this.blocks.push(data.slice());
    this.size += data.length;
    this.changed.fire();
    return true;
  }

  /** Nothing is written until it is let go. */
  hold(held: boolean): void {
    this.held = held && !this.finished;
    this.changed.fire();
  }

  /** Nothing more will be written. */
  finish(): void {
    this.finished = true;
    this.hold(false);
  }

  /** Whether a read gives something, or the end; `least` bytes where there may be more of them. */
  ready(offset: number, least: number): boolean {
    return this.finished || this.rest(offset) >= (this.held ? this.unit : Math.max(least, this.unit));
  }

  /** Bytes that were written from `offset` on; fewer than a whole sample are none. */
  rest(offset: number): number {
    const size = Math.max(0, this.end - offset);
    return size - (size % this.unit);
  }

  /** Whole samples from `offset` on, `most` bytes or fewer; none at the end. */
  read(offset: number, most: number): Uint8Array<ArrayBuffer> {
    const found = new Uint8Array(Math.min(most - (most % this.unit), this.rest(offset)));
    let [from, filled] = [offset - this.start, 0];
    for (const block of this.blocks) {
      if (filled === found.length) break;
      if (from < block.length) {
        const part = block.subarray(from, from + found.length - filled);
        found.set(part, filled);
        filled += part.length;
      }
      from = Math.max(0, from - block.length);
    }
    return found;
  }

  /** All before `offset` has arrived. */
  forget(offset: number): void {
    while (offset > this.start && this.blocks[0] !== undefined) {
      const gone = Math.min(offset - this.start, this.blocks[0].length);
      if (gone === this.blocks[0].length) this.blocks.shift();
      else this.blocks[0] = this.blocks[0].subarray(gone);
      this.start += gone;
      this.size -= gone;
    }
    this.changed.fire();
  }
}

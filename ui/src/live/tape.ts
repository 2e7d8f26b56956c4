/** Audio that the server has not acknowledged yet: after a lost connection it is sent again. */
export class Tape {
  private frames: ArrayBuffer[] = [];
  /** Place in the stream of the first byte that is kept. */
  private start = 0;
  /** Bytes that were recorded. */
  end = 0;

  constructor(private readonly capacity: number) {}

  write(frame: ArrayBuffer): void {
    this.frames.push(frame);
    this.end += frame.byteLength;
    while (this.end - this.start > this.capacity) this.drop();
  }

  /** All up to this place has arrived. */
  forget(place: number): void {
    while (this.frames[0] && this.start + this.frames[0].byteLength <= place) this.drop();
  }

  /** The rest of the frame at this place, null where there is none yet. */
  read(place: number): ArrayBuffer | null {
    let begin = this.start;
    for (const frame of this.frames) {
      if (place >= begin && place < begin + frame.byteLength) return place === begin ? frame : frame.slice(place - begin);
      begin += frame.byteLength;
    }
    return null;
  }

  private drop(): void {
    this.start += this.frames.shift()?.byteLength ?? 0;
  }
}

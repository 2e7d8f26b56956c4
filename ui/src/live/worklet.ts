/** Runs beside the page's own thread: the microphone's samples become frames of pcm_s16le. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, kind: new () => AudioWorkletProcessor): void;
declare const sampleRate: number;

const FRAME_SECONDS = 0.1;

class Frames extends AudioWorkletProcessor {
  private readonly frame = new Int16Array(Math.round(sampleRate * FRAME_SECONDS));
  private filled = 0;
  private loudest = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.loudest = Math.max(this.loudest, Math.abs(bounded));
      this.frame[this.filled] = Math.round(bounded * 32767);
      this.filled += 1;
      if (this.filled === this.frame.length) {
        const data = this.frame.slice().buffer;
        this.port.postMessage({ data, level: this.loudest }, [data]);
        this.filled = 0;
        this.loudest = 0;
      }
    }
    return true;
  }
}

registerProcessor("frames", Frames);

import workletUrl from "./worklet.ts?worker&url";

export interface Frame {
  data: ArrayBuffer;
  /** 0 to 1. */
  level: number;
}

const RATE = 16_000;

/** The microphone as frames of 100 ms, 16 kHz, one channel. */
export class Microphone {
  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    readonly rate: number,
  ) {}

  /** Ask for the microphone; raises DOMException where it is refused or missing. */
  static async open(heard: (frame: Frame) => void): Promise<Microphone> {
    // Browsers have no microphone for pages from elsewhere that come without https.
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    // What the browser would do to the sound is meant for people's ears.
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
    });
    const context = new AudioContext({ sampleRate: RATE });
    await context.audioWorklet.addModule(workletUrl);
    const frames = new AudioWorkletNode(context, "frames", { numberOfOutputs: 0, channelCount: 1 });
    frames.port.onmessage = ({ data }: MessageEvent<Frame>) => heard(data);
    context.createMediaStreamSource(stream).connect(frames);
    await context.resume();
    return new Microphone(stream, context, context.sampleRate);
  }

  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    void this.context.close();
  }
}

import { signal } from "@preact/signals";
import { ask, get, told } from "../api/client";
import type { Voice, VoicePage } from "../api/types";
import { upload } from "../api/uploads";

const PAGE = 100;
const ADDRESS = "/api/v1/voices";

/** The known voices as the server lists them, in the order of their names. */
export class Voices {
  readonly voices = signal<Voice[] | null>(null);
  readonly total = signal(0);
  readonly wanted = signal("");
  readonly problem = signal("");
  private limit = PAGE;
  private loads = 0;

  async load(): Promise<void> {
    const mine = ++this.loads;
    try {
      const page = await get<VoicePage>(
        `${ADDRESS}?limit=${this.limit}&name=${encodeURIComponent(this.wanted.peek().trim())}`,
      );
      // A later question has been asked meanwhile.
      if (mine !== this.loads) return;
      this.voices.value = page.voices;
      this.total.value = page.total;
      this.problem.value = "";
    } catch (error) {
      this.problem.value = told(error);
    }
  }

  search(name: string): void {
    this.wanted.value = name;
    void this.load();
  }

  more(): void {
    this.limit = Math.min(1000, this.limit + PAGE);
    void this.load();
  }

  /** A new voice, or another sample of one; raises CallAnnotateError. */
  async add(
    voice: Voice | null,
    file: File,
    metadata: object,
    progress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<Voice> {
    const address = voice ? `${ADDRESS}/${voice.voice_id}/samples` : ADDRESS;
    const made = await upload<Voice>({ address, file, metadata, progress, signal });
    await this.load();
    return made;
  }

  /** Raises CallAnnotateError. */
  async rename(voice: Voice, name: string, note: string): Promise<void> {
    await ask(`${ADDRESS}/${voice.voice_id}`, { method: "PUT", body: { name, note } });
    await this.load();
  }

  async forget(voice: Voice, results: boolean): Promise<void> {
    await this.gone(`${ADDRESS}/${voice.voice_id}?forget_results=${results}`);
  }

  async forgetSample(voice: Voice, sample: string): Promise<void> {
    await this.gone(`${ADDRESS}/${voice.voice_id}/samples/${sample}`);
  }

  private async gone(address: string): Promise<void> {
    let problem = "";
    try {
      await ask(address, { method: "DELETE" });
    } catch (error) {
      problem = told(error);
    }
    await this.load();
    this.problem.value ||= problem;
  }
}

/** Where a voice's voiceprints are. */
export const voiceprints = (voice: Voice): string => `${ADDRESS}/${voice.voice_id}/voiceprints?format=npy`;

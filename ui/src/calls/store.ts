import { signal } from "@preact/signals";
import { get, told } from "../api/client";
import { follow, remove, upload, type UploadOptions } from "../api/jobs";
import type { Job, JobMessage, JobPage, ServiceInfo } from "../api/types";
import { bytes, t } from "../i18n";

const PAGE = 50;
const FOLLOWED = 20;
const POLL = 5000;
/** When the browser notes that the network comes or goes. */
const NETWORK = ["online", "offline"] as const;

export interface Sending {
  id: number;
  name: string;
  share: number;
  error: string | null;
  stop: AbortController;
  /** Send it once more. */
  again: () => void;
}

/** Calls as the server lists them, the newest first. */
export class Calls {
  readonly jobs = signal<Job[] | null>(null);
  readonly total = signal(0);
  readonly problem = signal("");
  readonly sending = signal<Sending[]>([]);
  readonly info = signal<ServiceInfo | null>(null);
  private readonly followed = new Map<string, () => void>();
  private limit = PAGE;
  private timer = 0;
  private uploads = 0;
  private busy: Promise<void> = Promise.resolve();
  private readonly look = () => void this.load();

  start(): void {
    void this.load();
    for (const change of NETWORK) addEventListener(change, this.look);
    this.timer = window.setInterval(() => {
      if (!document.hidden) void this.load();
    }, POLL);
  }

  stop(): void {
    window.clearInterval(this.timer);
    for (const change of NETWORK) removeEventListener(change, this.look);
    for (const end of this.followed.values()) end();
    this.followed.clear();
  }

  async load(): Promise<void> {
    try {
      const page = await get<JobPage>(`/api/v1/jobs?limit=${this.limit}`);
      this.jobs.value = page.jobs;
      this.total.value = page.total;
      this.problem.value = "";
      this.info.value ??= await get<ServiceInfo>("/api/v1/info");
      this.followActive();
    } catch (error) {
      this.problem.value = told(error);
    }
  }

  more(): void {
    this.limit = Math.min(1000, this.limit + PAGE);
    void this.load();
  }

  /** Send recordings one after the other: the line is one. */
  send(files: readonly File[], options: UploadOptions): void {
    for (const file of files) {
      const sending: Sending = {
        id: ++this.uploads,
        name: file.name,
        share: 0,
        error: this.refused(file),
        stop: new AbortController(),
        again: () => this.line(sending, file, options),
      };
      this.sending.value = [...this.sending.value, sending];
      if (sending.error === null) this.line(sending, file, options);
    }
  }

  /** Why a file need not even be sent. */
  private refused(file: File): string | null {
    const most = this.info.peek()?.max_file_size ?? Infinity;
    if (file.size === 0) return t("upload_empty");
    return file.size > most ? t("upload_large", { size: bytes(file.size), most: bytes(most) }) : null;
  }

  private line(sending: Sending, file: File, options: UploadOptions): void {
    this.change(sending, { error: null, share: 0 });
    this.busy = this.busy.then(() => this.sendOne(sending, file, options));
  }

  forget(sending: Sending): void {
    sending.stop.abort();
    this.sending.value = this.sending.value.filter(({ id }) => id !== sending.id);
  }

  async remove(job: Job): Promise<void> {
    this.followed.get(job.job_id)?.();
    this.followed.delete(job.job_id);
    try {
      await remove(job.job_id);
    } catch (error) {
      this.problem.value = told(error);
    }
    await this.load();
  }

  private change(sending: Sending, changes: Partial<Sending>): void {
    this.sending.value = this.sending.value.map((one) => (one.id === sending.id ? { ...one, ...changes } : one));
  }

  private async sendOne(sending: Sending, file: File, options: UploadOptions): Promise<void> {
    if (sending.stop.signal.aborted) return;
    try {
      const job = await upload(file, options, (share) => this.change(sending, { share }), sending.stop.signal);
      this.sending.value = this.sending.value.filter(({ id }) => id !== sending.id);
      this.jobs.value = [job, ...(this.jobs.value ?? []).filter(({ job_id }) => job_id !== job.job_id)];
      this.total.value += 1;
      this.followActive();
    } catch (error) {
      if (!sending.stop.signal.aborted) this.change(sending, { error: told(error) });
    }
  }

  private followActive(): void {
    const active = (this.jobs.value ?? []).filter(({ status }) => status === "processing" || status === "queued");
    const wanted = new Set(active.slice(-FOLLOWED).map(({ job_id }) => job_id));
    for (const [id, end] of this.followed) {
      if (wanted.has(id)) continue;
      end();
      this.followed.delete(id);
    }
    for (const id of wanted) {
      if (!this.followed.has(id)) this.followed.set(id, follow(id, (message) => this.heard(id, message)));
    }
  }

  private heard(id: string, message: JobMessage): void {
    if (message.type === "status_update") {
      const { status, progress } = message;
      this.jobs.value = (this.jobs.value ?? []).map((job) => (job.job_id === id ? { ...job, status, progress } : job));
    } else if (message.type === "result" || message.type === "error") {
      void this.load();
    }
  }
}

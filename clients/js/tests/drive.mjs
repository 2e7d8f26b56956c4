// What the tests ask of the client in JavaScript: node drive.mjs WHAT URL ...; prints one JSON object.
import { readFile } from "node:fs/promises";

import { CallAnnotateError, Client } from "callannotate-client";

const [what, url, ...rest] = process.argv.slice(2);
const apiKey = process.env.CALLANNOTATE_KEY;
const client = new Client(url, apiKey ? { apiKey } : {});

/** What an error says, with `then` where nothing went wrong. */
async function told(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof CallAnnotateError)) throw error;
    const { code, message, advice, retryable, retryAfter, status } = error;
    return { code, message, advice, retryable, retryAfter, status };
  }
}

const acts = {
  /** Upload, progress, watch, result, files, list, deletion. */
  async jobs(path) {
    const sent = [];
    const job = await client.submit(path, { metadata: { language: "en", mine: [1] }, progress: (...now) => sent.push(now) });
    const messages = [];
    for await (const message of client.watch(job.job_id)) messages.push(message);
    const result = await client.result(job.job_id);
    const srt = await (await client.export(job.job_id, "srt")).text();
    const audio = Buffer.from(await (await client.audio(job.job_id)).arrayBuffer());
    const page = await client.jobs({ status: "completed", limit: 1 });
    const [queue, health, info] = await Promise.all([client.queue(), client.health(), client.info()]);
    await client.delete(job.job_id);
    const same = audio.equals(await readFile(path));
    return { job, sent, messages, result, srt, same, page, queue, health, info, gone: await told(client.job(job.job_id)) };
  },
  /** An upload over a network that fails. */
  async upload(path) {
    const sent = [];
    const job = await client.submit(path, { progress: (now) => sent.push(now) });
    await client.wait(job.job_id);
    return { sent };
  },
  async watch(jobId) {
    const messages = [];
    for await (const message of client.watch(jobId)) messages.push(message.seq);
    return { messages };
  },
  async live(path, cuts) {
    const audio = await readFile(path);
    const start = { audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 }, language: "en" };
    const notices = [];
    const live = client.live(start, { speed: null, notice: (text) => notices.push(text) });
    const messages = [];
    /** Blocks that are neither a whole number of milliseconds nor a frame; half of them wait for something to be said. */
    async function* blocks() {
      for (let at = 0; at < audio.length; at += 1000) {
        while (at > audio.length / 2 && messages.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
        yield audio.subarray(at, at + 1000);
      }
    }
    void live.pipe(blocks());
    for await (const message of live) {
      messages.push(message);
      if (message.type === "session.started") live.say({ type: "finalize", id: "now" });
      if (messages.length % 5 === 1 && live.resumes < Number(cuts)) live.cut();
    }
    return { messages, notices, resumes: live.resumes, ended: live.ended };
  },
  /** A session that is lost and gone on with. */
  async back() {
    const live = client.live({ audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } });
    const types = [];
    const error = await told((async () => {
      for await (const message of live) types.push(message.type);
    })());
    return { types, error };
  },
  async errors(path) {
    const start = { audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 }, language: "xx" };
    const read = async (live) => {
      for await (const _ of live);
    };
    return {
      limit: await told(client.jobs({ limit: 0 })),
      russian: await told(new Client(url, { language: "ru" }).jobs({ limit: 0 })),
      format: await told(client.submit(new TextEncoder().encode("no recording"), { filename: "call.wav" })),
      job: await told(client.wait("00000000-0000-4000-8000-000000000000")),
      config: await told(read(client.live(start))),
      nobody: await told(new Client("127.0.0.1:1", { retries: 1 }).info()),
      noServer: await told(read(new Client("127.0.0.1:1").live({ ...start, language: "en" }))),
      path: await told(read(new Client(`${url}/nowhere`).live(start))),
      address: await told((async () => new Client("ftp://calls.example"))()),
    };
  },
  /** Everything that takes a connection of its own, with a key or without. */
  async keys(path) {
    const live = () => client.live({ audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } });
    const read = async (session) => {
      session.end();
      for await (const _ of session);
      return session.ended !== null;
    };
    const submitted = await told(client.submit(path));
    const jobId = submitted.value?.job_id ?? "00000000-0000-4000-8000-000000000000";
    return { submitted, waited: await told(client.wait(jobId)), live: await told(read(live())), login: await told(client.login()) };
  },
  async voices(path) {
    const voice = await client.enrol(path, "Boris", { note: "desk" });
    const prints = await (await client.voiceprints(voice.voice_id, "vec")).text();
    const more = await client.addSample(voice.voice_id, new TextEncoder().encode(prints), { filename: "boris.vec" });
    await client.deleteSample(voice.voice_id, more.samples[1].sample_id);
    const renamed = await client.renameVoice(voice.voice_id, "Boris Petrov");
    const page = await client.voices({ name: "petrov" });
    await client.deleteVoice(voice.voice_id, { forgetResults: true });
    return { voice, more, renamed, page, left: (await client.voices()).total };
  },
};

console.log(JSON.stringify(await acts[what](...rest)));

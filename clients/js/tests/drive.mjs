// What the tests ask of the client in JavaScript: node drive.mjs WHAT URL ...; prints one JSON object.
import { readFile } from "node:fs/promises";

import { CallAnnotateError, Client } from "callannotate-client";
import WebSocket from "ws";

import { openWebSocket } from "../dist/connection.js";
import { watch } from "../dist/watch.js";

const [what, url, ...rest] = process.argv.slice(2);
/** Every message there is. */
async function all(messages) {
  const seen = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

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
  /** A microphone that is paused and goes on, over a network that fails at messages of these types. */
  async microphone(path, ...swallowed) {
    const audio = await readFile(path);
    const half = 48_000;
    const waiting = [...swallowed];
    const webSocket = (address) => {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      const send = socket.send.bind(socket);
      socket.send = (data) => {
        if (typeof data !== "string" || JSON.parse(data).type !== waiting[0]) return send(data);
        waiting.shift();
        socket.terminate();
      };
      return socket;
    };
    const phases = [];
    const start = { audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 }, language: "en" };
    const options = { speed: null, phase: (phase) => phases.push(phase) };
    const live = new Client(url, { webSocket }).live(start, options);
    const hear = (from, to) => {
      for (let at = from; at < to; at += 1600) live.offer(audio.subarray(at, at + 1600));
    };
    const messages = [];
    hear(0, half);
    live.pause();
    for await (const message of live) {
      messages.push(message);
      if (message.type === "paused" && phases.at(-1) === "paused") {
        hear(0, half);
        live.resume();
        hear(half, audio.length);
      }
      if (message.type === "resumed" && live.phase === "listening") live.end();
    }
    return { messages, phases, lost: live.lost };
  },
  /** More than a session keeps. */
  async overrun() {
    const second = 16000;
    const live = client.live({ audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } });
    const lost = [];
    for (const seconds of [60, 30, 1, 2]) {
      live.offer(new Uint8Array(seconds * second));
      lost.push(live.lost);
    }
    live.close();
    for await (const _ of live);
    return { lost, phase: live.phase };
  },
  /** What is given up before there is a connection. */
  async given(jobId) {
    const live = client.live({ audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } });
    live.close();
    const seen = [];
    for await (const message of live) seen.push(message);
    const stop = new AbortController();
    const watched = client.watch(jobId, { signal: stop.signal }).next();
    stop.abort(new CallAnnotateError("ENOUGH", "it was stopped"));
    return { seen, phase: live.phase, watched: await told(watched) };
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
  /** What a server says that is none of ours. */
  async rude() {
    const once = new Client(url, { retries: 1 });
    return { job: await told(once.job("x")), audio: await told(once.audio("x")), health: await told(once.health()) };
  },
  async nonsense() {
    const live = client.live({ audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } });
    return { watch: await told(client.wait("x")), live: await told(all(live)) };
  },
  async steady() {
    const seen = [];
    for await (const message of watch(openWebSocket, url, "x", {}, { patience: 0.001 }, 0)) seen.push(message.type);
    return { seen };
  },
  async download(jobId) {
    return { size: (await client.audio(jobId)).size };
  },
  async remove(path) {
    return { value: (await client.request("DELETE", path)) ?? null };
  },
  async key(text) {
    return told((async () => new Client(url, { apiKey: JSON.parse(text) }).wait("x"))());
  },
  async files() {
    const seen = {};
    for (const [name, file] of Object.entries({ missing: "no-such-file.wav", nothing: undefined })) {
      await client.submit(file).catch(({ name: kind, code, message }) => (seen[name] = { name: kind, code, message }));
    }
    return seen;
  },
  /** Gives up at a server that says nothing, before it has begun, and in the middle. */
  async leaving(silent) {
    const start = { audio: { encoding: "pcm_s16le", sample_rate: 8000, channels: 1 } };
    const enough = () => {
      const leaving = new AbortController();
      setTimeout(() => leaving.abort("enough"), 200);
      return { signal: leaving.signal };
    };
    const why = (promise) => promise.catch((reason) => reason);
    const closed = client.live(start);
    closed.close();
    return {
      watch: await why(all(new Client(silent).watch("x", enough()))),
      live: await why(all(new Client(silent).live(start, enough()))),
      before: await why(all(client.live(start, { signal: AbortSignal.abort("enough") }))),
      closed: await all(closed),
    };
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

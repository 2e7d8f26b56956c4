// Streams a WAV file as if it were a call that goes on: node live.mjs call.wav [URL]
//
// What is said is printed as it becomes final, then how much each speaker said. When the network fails, the session goes
// on over a new connection by itself: pull the cable and put it back.
import { readFile } from "node:fs/promises";

import { CallAnnotateError, Client } from "callannotate-client";

const [path, url = "http://127.0.0.1:8000", speed = "1"] = process.argv.slice(2);
if (path === undefined) throw new Error("node live.mjs call.wav [URL]");

/** The format and the samples of a WAV file of 16 bits. */
function wav(file) {
  let [at, format, samples] = [12, null, null];
  while (at + 8 <= file.length && samples === null) {
    const [name, size] = [file.toString("latin1", at, at + 4), file.readUInt32LE(at + 4)];
    if (name === "fmt ") {
      const [kind, channels, rate, bits] = [8, 10, 12, 22].map((offset, which) =>
        which === 2 ? file.readUInt32LE(at + offset) : file.readUInt16LE(at + offset),
      );
      if (kind !== 1 || bits !== 16) throw new Error("16 bits are wanted");
      format = { encoding: "pcm_s16le", sample_rate: rate, channels };
    }
    if (name === "data") samples = file.subarray(at + 8, at + 8 + size);
    at += 8 + size + (size % 2);
  }
  return { format, samples };
}

/** A tenth of a second each; the client sends them at the speed of the recording. */
function* blocks(samples, { sample_rate: rate, channels }) {
  const size = Math.floor(rate / 10) * channels * 2;
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size);
}

try {
  const { format, samples } = wav(await readFile(path));
  const client = new Client(url, { apiKey: process.env.CALLANNOTATE_KEY });
  const live = client.live({ audio: format, language: "en" }, { notice: console.error, speed: Number(speed) });
  void live.pipe(blocks(samples, format));
  for await (const message of live) {
    if (message.type === "transcript.final" && message.text) {
      console.log(`${(message.start_ms / 1000).toFixed(2)}  ${message.speaker_id}: ${message.text}`);
    }
  }
  for (const speaker of live.ended.result.speakers) {
    const words = speaker.segments.reduce((count, segment) => count + segment.words.length, 0);
    console.log(`${speaker.identified_as ?? speaker.speaker_id} said ${words} words`);
  }
} catch (error) {
  if (!(error instanceof CallAnnotateError)) throw error;
  console.error(`${error.message}. ${error.advice}`);
  process.exitCode = 1;
}

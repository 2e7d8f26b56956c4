// Submits a recording and prints its transcript: node submit.mjs call.wav [URL]
import { CallAnnotateError, Client } from "callannotate-client";

const [path, url = "http://127.0.0.1:8000"] = process.argv.slice(2);
if (path === undefined) throw new Error("node submit.mjs call.wav [URL]");
try {
  const client = new Client(url, { apiKey: process.env.CALLANNOTATE_KEY });
  const job = await client.submit(path, {
    metadata: { language: "en", description: "from the example" },
    progress: (sent, size) => console.error(`${Math.floor((100 * sent) / size)} % sent`),
  });
  const { result } = await client.wait(job.job_id);
  const lines = result.speakers.flatMap((speaker) => speaker.segments.map((segment) => ({ speaker, segment })));
  lines.sort((one, other) => one.segment.start_time - other.segment.start_time);
  for (const { speaker, segment } of lines) {
    console.log(`${segment.start_time.toFixed(2)}  ${speaker.identified_as ?? speaker.speaker_id}: ${segment.text}`);
  }
} catch (error) {
  if (!(error instanceof CallAnnotateError)) throw error;
  console.error(`${error.message}. ${error.advice}`);
  process.exitCode = 1;
}

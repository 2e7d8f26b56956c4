// Follows jobs to their end, side by side: node watch.mjs URL JOB_ID ...
import { CallAnnotateError, Client } from "callannotate-client";

const [url, ...jobIds] = process.argv.slice(2);
if (jobIds.length === 0) throw new Error("node watch.mjs URL JOB_ID ...");
const client = new Client(url, { apiKey: process.env.CALLANNOTATE_KEY });

/** Lost connections are made again; nothing is missing, and nothing comes twice. */
async function follow(jobId) {
  for await (const message of client.watch(jobId)) {
    if (message.type === "status_update") {
      const { percentage, current_stage: stage } = message.progress;
      console.log(`${jobId}: ${message.status}, ${percentage} % ${stage ?? ""}`);
    } else console.log(`${jobId}: ${message.type}`);
  }
}

try {
  await Promise.all(jobIds.map(follow));
} catch (error) {
  if (!(error instanceof CallAnnotateError)) throw error;
  console.error(`${error.message}. ${error.advice}`);
  process.exitCode = 1;
}

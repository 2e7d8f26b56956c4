import { IN_NODE } from "./connection.js";

/** What is sent: a Blob or File, bytes, or, in Node.js, the path of a file. */
export type Uploadable = Blob | Uint8Array<ArrayBuffer> | ArrayBuffer | string;
/** Is told the bytes that were sent and how many there are; begins anew where it is sent again. */
export type Progress = (sent: number, size: number) => void;

/** An answer, however it was fetched. */
export interface Answer {
  status: number;
  header(name: string): string | null;
  text(): Promise<string>;
  blob(): Promise<Blob>;
}

/** The content and the name of a recording. */
export async function opened(file: Uploadable, filename?: string): Promise<{ blob: Blob; filename: string }> {
  if (typeof file === "string") {
    // Not by its name, so that nothing which packs programs for browsers goes looking for it.
    const name = "node:fs";
    const { openAsBlob, promises } = (await import(/* @vite-ignore */ name)) as {
      openAsBlob(path: string): Promise<Blob>;
      promises: { access(path: string): Promise<void> };
    };
    // openAsBlob() names neither the file nor what is wrong with it.
    await promises.access(file);
    return { blob: await openAsBlob(file), filename: filename ?? file.split(/[/\\]/).at(-1)! };
  }
  if (!(file instanceof Blob || file instanceof ArrayBuffer || ArrayBuffer.isView(file))) {
    throw new TypeError("a recording is a File or a Blob, bytes, or in Node.js a path");
  }
  const blob = file instanceof Blob ? file : new Blob([file]);
  return { blob, filename: filename ?? (blob instanceof File ? blob.name : "audio") };
}

/** Send a form with `metadata` and `file`; rejects as `fetch` does. */
export async function sendForm(
  url: string,
  headers: Record<string, string>,
  { blob, filename }: { blob: Blob; filename: string },
  metadata: object,
  progress: Progress | undefined,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  if (!IN_NODE) {
    // Browsers send no streams over HTTP/1.1, and tell no progress of what `fetch` sends.
    const form = new FormData();
    form.append("metadata", JSON.stringify(metadata));
    form.append("file", blob, filename);
    if (progress) return sendFromBrowser(url, headers, form, blob.size, progress, signal);
    return ofFetch(await fetch(url, { method: "POST", headers, body: form, signal: signal ?? null }));
  }
  const boundary = crypto.randomUUID();
  const parts = formParts(boundary, blob, filename, metadata, progress);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => parts.return(undefined) as unknown as Promise<void>,
  });
  const type = { "Content-Type": `multipart/form-data; boundary=${boundary}` };
  const init = { method: "POST", headers: { ...headers, ...type }, body, duplex: "half", signal: signal ?? null };
  return ofFetch(await fetch(url, init as RequestInit));
}

/** The answer of `fetch`. */
export function ofFetch(response: Response): Answer {
  return {
    status: response.status,
    header: (name) => response.headers.get(name),
    text: () => response.text(),
    blob: () => response.blob(),
  };
}

async function* formParts(
  boundary: string,
  blob: Blob,
  filename: string,
  metadata: object,
  progress: Progress | undefined,
): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder();
  const name = filename.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  yield text.encode(
    `--${boundary}\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n` +
      `${JSON.stringify(metadata)}\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; ` +
      `filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  let sent = 0;
  for await (const block of blob.stream()) {
    yield block;
    sent += block.length;
    progress?.(sent, blob.size);
  }
  yield text.encode(`\r\n--${boundary}--\r\n`);
}

function sendFromBrowser(
  url: string,
  headers: Record<string, string>,
  form: FormData,
  size: number,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    // What is around the recording counts as well; nobody wants to see more than all of it.
    request.upload.onprogress = ({ loaded }) => progress(Math.min(loaded, size), size);
    request.onerror = () => reject(new TypeError("the request failed"));
    request.onabort = () => reject(signal?.reason);
    request.onload = () =>
      resolve({
        status: request.status,
        header: (name) => request.getResponseHeader(name),
        text: () => Promise.resolve(request.responseText),
        blob: () => Promise.resolve(new Blob([request.responseText])),
      });
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

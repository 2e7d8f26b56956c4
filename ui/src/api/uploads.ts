import { language } from "../i18n";
import { refusal, unreachable } from "./client";

/** A file and what is said of it, on its way to the server. */
interface Upload {
  address: string;
  file: File;
  metadata: object;
  /** Told the share that has gone out. */
  progress: (share: number) => void;
  signal: AbortSignal;
}

/** Send a file; raises CallAnnotateError, or AbortError where the signal says so. */
export function upload<Made>({ address, file, metadata, progress, signal }: Upload): Promise<Made> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("metadata", JSON.stringify(metadata));
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept-Language", language.value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as Made);
      else reject(refusal(request.status, request.responseText));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

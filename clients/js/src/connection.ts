import { CallAnnotateError, INVALID_ADDRESS, refused, unreachable } from "./errors.js";
import { Pulse } from "./timing.js";

/** The part of a WebSocket that is used here: that of browsers, of Node.js from 22 on, and of `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: never) => void): void;
  /** Of `ws`: without a closing handshake. */
  terminate?(): void;
  /** Of `ws`: how a handshake was refused is an event of its own. */
  on?(type: "unexpected-response", listener: (request: unknown, response: Refusal) => void): void;
}

/** Opens a WebSocket; headers can be sent by all but browsers. */
export type WebSocketFactory = (
  url: string,
  headers: Record<string, string>,
) => WebSocketLike | Promise<WebSocketLike>;

interface Refusal {
  statusCode: number;
  headers: Record<string, string | undefined>;
  on(type: "data" | "end" | "error", listener: (data: Uint8Array) => void): void;
}

/** Of Node.js; said here, so that nobody needs its types. */
declare const process: { versions?: { node?: string } };
export const IN_NODE = typeof process !== "undefined" && process.versions?.node !== undefined;

type Constructor = new (url: string, protocols?: unknown, options?: unknown) => WebSocketLike;

/** Seconds without a word from the server after which it is asked for one; after as many again it counts as lost. */
const QUIET = 10;
/** Seconds that a handshake may take. */
const HANDSHAKE = 20;
const OPEN = 1;

/** `ws` where it is installed, for it sends headers and says why it was refused; else what the platform has. */
export const openWebSocket: WebSocketFactory = async (url, headers) => {
  if (IN_NODE) {
    // Not by its name, so that nothing which packs programs for browsers goes looking for it.
    const name = "ws";
    const ws = (await import(/* @vite-ignore */ name).catch(() => null)) as { default: Constructor } | null;
    if (ws !== null) return new ws.default(url, [], { headers, perMessageDeflate: false });
    if (typeof WebSocket === "undefined") {
      throw new CallAnnotateError("NO_WEBSOCKET", "this Node.js has no WebSocket", {
        advice: "Install `ws`, or Node.js 22 or newer.",
      });
    }
    return new (WebSocket as unknown as Constructor)(url, { headers });
  }
  return new (WebSocket as unknown as Constructor)(url);
};

/** One connection: what comes over it, and how it ends. */
export class Line {
  /** The close code, once it has ended; 1006 without one. */
  code: number | null = null;
  reason = "";
  private readonly waiting: string[] = [];
  private readonly changed = new Pulse();
  private readonly timer: ReturnType<typeof setInterval>;
  private heard = true;
  private asked = false;

  private constructor(
    private readonly socket: WebSocketLike,
    /** What makes the server say something. */
    private readonly question: string,
  ) {
    this.timer = setInterval(() => this.ask(), QUIET * 1000);
    (this.timer as { unref?: () => void }).unref?.();
  }

  /**
   * Connect; rejects with a CallAnnotateError that has a status where the server refused the handshake, and with the
   * signal's reason.
   */
  static async open(
    factory: WebSocketFactory,
    url: string,
    headers: Record<string, string>,
    question: string,
    signal?: AbortSignal,
  ): Promise<Line> {
    const socket = await factory(url, headers);
    socket.binaryType = "arraybuffer";
    let settled = (): void => undefined;
    const opened = new Promise<Line>((resolve, reject) => {
      const line = new Line(socket, question);
      const giveUp = (reason: unknown): void => {
        reject(reason);
        line.cut();
      };
      const stop = (): void => giveUp(signal?.reason);
      const timer = setTimeout(
        () => giveUp(unreachable(url, `no connection within ${HANDSHAKE} s`)),
        HANDSHAKE * 1000,
      );
      settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      };
      signal?.addEventListener("abort", stop);
      socket.on?.("unexpected-response", (_request, response) => {
        let body = "";
        const decoder = new TextDecoder();
        response.on("data", (data) => (body += decoder.decode(data, { stream: true })));
        response.on("error", () => line.ended(1006, ""));
        response.on("end", () => {
          giveUp(refused(response.statusCode, body, response.headers["retry-after"] ?? null));
        });
      });
      socket.addEventListener("open", () => resolve(line));
      socket.addEventListener("message", ({ data }: { data: unknown }) => line.received(data));
      // After an error comes `close`, but for a handshake that `ws` gives up.
      socket.addEventListener("error", (event: { message?: string }) => {
        reject(unreachable(url, event.message || "the connection failed"));
        if (line.code === null && socket.readyState > OPEN) line.ended(1006, "");
      });
      socket.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
        line.ended(code, reason);
        reject(unreachable(url, `closed with ${code}`));
      });
      if (signal?.aborted) stop();
    });
    return opened.finally(() => settled());
  }

  /** Send a message or audio; what is sent over a connection that has ended is lost. */
  send(data: object | Uint8Array<ArrayBuffer>): void {
    if (this.socket.readyState !== OPEN) return;
    this.socket.send(data instanceof Uint8Array ? data : JSON.stringify(data));
  }

  /** Every message to the last one before the end. */
  async *messages(): AsyncGenerator<string, void, void> {
    for (;;) {
      const text = this.waiting.shift();
      if (text !== undefined) yield text;
      else if (this.code !== null) return;
      else await this.changed.wait();
    }
  }

  /** Say goodbye. */
  close(): void {
    clearInterval(this.timer);
    if (this.socket.readyState <= OPEN) this.socket.close(1000);
  }

  /** End it at once, as a network that fails would. */
  cut(): void {
    if (this.socket.terminate) this.socket.terminate();
    else this.socket.close();
    this.ended(1006, "cut");
  }

  private received(data: unknown): void {
    if (typeof data !== "string" || this.code !== null) return;
    this.heard = true;
    this.asked = false;
    this.waiting.push(data);
    this.changed.fire();
  }

  private ended(code: number, reason: string): void {
    clearInterval(this.timer);
    if (this.code !== null) return;
    this.code = code;
    this.reason = reason;
    this.changed.fire();
  }

  private ask(): void {
    if (this.asked) this.cut();
    else if (!this.heard) {
      this.asked = true;
      if (this.socket.readyState === OPEN) this.socket.send(this.question);
    }
    this.heard = false;
  }
}

/** The address of the server, of whatever a user names it by, without a slash at its end. */
export function httpAddress(url: string): string {
  let found: URL | null = null;
  try {
    found = new URL(/^[a-z]+:\/\//i.test(url) ? url : `http://${url}`);
  } catch {
    // It is told below.
  }
  const scheme = found && { "http:": "http:", "https:": "https:", "ws:": "http:", "wss:": "https:" }[found.protocol];
  if (!found || !scheme) {
    const advice = "Such as http://127.0.0.1:8000.";
    throw new CallAnnotateError(INVALID_ADDRESS, `${url} is no address of a server`, { advice });
  }
  return `${scheme}//${found.host}${found.pathname}`.replace(/\/+$/, "");
}

/** The address of a WebSocket of this server. */
export function socketAddress(server: string, path: string): string {
  return server.replace(/^http/, "ws") + path;
}

/** Sends bytes verbatim over a real socket and collects what comes back. */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import type { Socket } from "node:net";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint } from "./trace.ts";
import { Trace } from "./trace.ts";

export interface ExchangeOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds until the exchange is given up. */
  readonly timeout: number;
  /** Milliseconds of silence after which the reply is taken to be whole. */
  readonly idle: number;
  /** Bytes of reply that are kept. */
  readonly maxBytes: number;
  /** TLS: whether the certificate must be valid. */
  readonly verify: boolean;
}

export interface Exchange {
  readonly reply: Uint8Array;
  /** UDP: each datagram by itself. */
  readonly datagrams: readonly Uint8Array[];
  /** Why it ended. */
  readonly end: "closed" | "idle" | "timeout" | "limit";
  readonly trace: Trace;
}

/** Why nothing could be sent or received; the message names the peer. */
export class ExchangeError extends Error {}

const started = process.hrtime.bigint();
const epoch = BigInt(Date.now()) * 1_000_000n;

function now(): bigint {
  return epoch + process.hrtime.bigint() - started;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused (ECONNREFUSED)"],
  ["ENOTFOUND", "no such host (ENOTFOUND)"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "the peer does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)"],
]);

function failed(options: ExchangeOptions, error: Error): ExchangeError {
  const { code } = error as NodeJS.ErrnoException;
  const reason = REASONS.get(code ?? "") ?? `${code ?? ""} ${error.message}`.trim();
  return new ExchangeError(`${options.host}:${options.port}: ${reason}`);
}

/** `input` yields the chunks to send; on a terminal they come as they are typed. */
export async function exchangeStream(
  input: AsyncIterable<Uint8Array>,
  options: ExchangeOptions & { readonly tls: boolean },
): Promise<Exchange> {
  const socket = await opened(options);
  const local: Endpoint = {
    address: socket.localAddress ?? "0.0.0.0",
    port: socket.localPort ?? 0,
  };
  const remote: Endpoint = {
    address: socket.remoteAddress ?? "0.0.0.0",
    port: socket.remotePort ?? 0,
  };
  const trace = new Trace("tcp", local, remote);
  trace.opened(now());
  const chunks: Buffer[] = [];
  let size = 0;
  const reply = new Promise<Exchange["end"]>((resolve, reject) => {
    const total = setTimeout(() => resolve("timeout"), options.timeout);
    let silence: NodeJS.Timeout | undefined;
    socket.on("data", (chunk: Buffer) => {
      trace.received(chunk, now());
      chunks.push(chunk);
      size += chunk.length;
      clearTimeout(silence);
      if (size >= options.maxBytes) resolve("limit");
      else silence = setTimeout(() => resolve("idle"), options.idle);
    });
    socket.on("end", () => {
      trace.closed(1, now());
      resolve("closed");
    });
    socket.on("error", (error) => reject(failed(options, error)));
    socket.on("close", () => {
      clearTimeout(total);
      clearTimeout(silence);
      resolve("closed");
    });
  });
  const sending = sendAll(socket, input, trace);
  try {
    const end = await Promise.race([reply, sending.then(() => reply)]);
    trace.closed(0, now());
    return { reply: Buffer.concat(chunks), datagrams: [], end, trace };
  } finally {
    socket.destroy();
  }
}

async function sendAll(
  socket: Socket,
  input: AsyncIterable<Uint8Array>,
  trace: Trace,
): Promise<void> {
  for await (const chunk of input) {
    if (socket.destroyed || !socket.writable) return;
    trace.sent(chunk, now());
    socket.write(chunk);
  }
}

/** RFC 6066 3: an address is no server name. */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function opened(options: ExchangeOptions & { readonly tls: boolean }): Promise<Socket> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const socket = options.tls
      ? connectTls({ host, port, ...serverName(host), rejectUnauthorized: options.verify })
      : connect({ host, port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new ExchangeError(`${host}:${port}: no connection within ${options.timeout} ms`));
    }, options.timeout);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(failed(options, error));
    };
    socket.once("error", fail);
    socket.once(options.tls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

/** One datagram out, the replies of the same peer until silence. */
export async function exchangeDatagram(
  bytes: Uint8Array,
  options: ExchangeOptions,
): Promise<Exchange> {
  const { address, family } = await lookup(options.host).catch((error: Error) => {
    throw failed(options, error);
  });
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  try {
    return await new Promise<Exchange>((resolve, reject) => {
      const datagrams: Uint8Array[] = [];
      let trace: Trace | undefined;
      let size = 0;
      const finish = (end: Exchange["end"]) => {
        clearTimeout(total);
        clearTimeout(silence);
        if (trace !== undefined)
          resolve({ reply: Buffer.concat(datagrams), datagrams, end, trace });
      };
      const total = setTimeout(() => finish("timeout"), options.timeout);
      let silence: NodeJS.Timeout | undefined;
      socket.on("error", (error) => {
        clearTimeout(total);
        clearTimeout(silence);
        reject(failed(options, error));
      });
      socket.on("message", (datagram) => {
        trace?.received(datagram, now());
        datagrams.push(datagram);
        size += datagram.length;
        clearTimeout(silence);
        if (size >= options.maxBytes) finish("limit");
        else silence = setTimeout(() => finish("idle"), options.idle);
      });
      // Connected: datagrams of others are not heard, and a closed port is told by ICMP.
      socket.connect(options.port, address, () => {
        const local = socket.address();
        trace = new Trace(
          "udp",
          { address: local.address, port: local.port },
          { address, port: options.port },
        );
        trace.sent(bytes, now());
        socket.send(bytes);
      });
    });
  } finally {
    socket.close();
  }
}

/** Where servers of HTTP listen: `--listen` words, one line on stderr, `--json` on stdout, and the signals that end them. */
import { isIP } from "node:net";
import { placeOf } from "../engines/dialing/place.ts";
import type { Endpoint, Engine, NetError, TlsServer } from "../engines/host.ts";
import type { ListenAddress } from "../engines/http/server.ts";
import { CommandError, EXIT } from "../failure.ts";
import type { LiveHost } from "../net/live/host.ts";
import { keepObjectsYoung } from "../net/live/young-objects.ts";
import { keyPair } from "../pem.ts";

export function say(line: string): void {
  process.stderr.write(`netkit: ${line}\n`);
}

/** `ADDRESS:PORT`, `[ADDRESS]:PORT`; `:PORT` is loopback. @throws CommandError */
export function listenAddress(text: string, flag = "--listen", tls?: TlsServer): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]*|localhost)):([0-9]{1,5})$/.exec(text);
  const [, v6, v4, port] = match ?? [];
  const addr = v6 ?? (v4 === "" || v4 === "localhost" ? "127.0.0.1" : v4);
  if (addr === undefined || isIP(addr) === 0 || Number(port) > 65_535) {
    throw new CommandError(`${flag} ${text}: write it as ADDRESS:PORT, e.g. 127.0.0.1:8080`);
  }
  return { addr, port: Number(port), tls };
}

export function tlsServer(
  cert: string | undefined,
  key: string | undefined,
): TlsServer | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new CommandError("--cert and --key go together");
  return { ...keyPair(cert, key), alpn: ["http/1.1"] };
}

export interface ListenFlags {
  readonly listen: readonly string[];
  readonly "listen-tls": readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** `--listen` and `--listen-tls`, or where it listens when neither is said. @throws CommandError */
export function listenAddresses(flags: ListenFlags, usual: string): ListenAddress[] {
  const tls = tlsServer(flags.cert, flags.key);
  const secure = flags["listen-tls"];
  if (secure.length > 0 && tls === undefined)
    throw new CommandError("--listen-tls needs --cert and --key");
  if (secure.length === 0 && tls !== undefined)
    throw new CommandError("--cert and --key go with --listen-tls ADDRESS:PORT");
  const plain = flags.listen.length + secure.length === 0 ? [usual] : flags.listen;
  return [
    ...plain.map((text) => listenAddress(text)),
    ...secure.map((text) => listenAddress(text, "--listen-tls", tls)),
  ];
}

interface Listens {
  onListening(at: readonly Endpoint[]): void;
  onListenError(error: NetError): void;
}

/** Starts an engine that listens; rejects with a CommandError when one address cannot be had. */
export function started(
  host: LiveHost,
  make: (listens: Listens) => Engine,
): Promise<{ engine: Engine; at: readonly Endpoint[] }> {
  keepObjectsYoung();
  return new Promise((resolve, reject) => {
    const engine: Engine = make({
      onListening: (at) => resolve({ engine, at }),
      onListenError: (error) =>
        reject(new CommandError(`cannot listen: ${error.message}`, EXIT.network)),
    });
    engine.start(host);
  });
}

export function announce(what: string, at: readonly Endpoint[], json: boolean): void {
  say(`${what} on ${at.map(placeOf).join(", ")}`);
  if (json) {
    const listening = at.map(({ addr, port }) => ({ addr, port }));
    process.stdout.write(`${JSON.stringify({ listening })}\n`);
  }
}

/** Resolves when the process is told to end. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
}

/** What is in flight is finished, but no longer than this. */
const GRACE_MS = 10_000;

export function stopped(engine: Engine): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => engine.stop(false, resolve), GRACE_MS);
    engine.stop(true, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** `netkit replay --against`: what was asked in a capture is asked again, for real, and the answers compared. */
import { setTimeout as sleep } from "node:timers/promises";
import { typeCode } from "../codecs/dns/index.ts";
import type { Field } from "../codecs/http/message.ts";
import { concat } from "../codecs/writer.ts";
import { serverAddress } from "../dns/recursor/options.ts";
import { Exchange as DnsExchange } from "../engines/dns/client/exchange.ts";
import { clientQuery } from "../engines/dns/client/query.ts";
import { SECOND } from "../engines/host.ts";
import { Fetcher } from "../engines/http/fetch/fetcher.ts";
import type { Origin } from "../engines/http/fetch/origin.ts";
import { field, without } from "../engines/http/fields.ts";
import { isSafe } from "../engines/http/head.ts";
import { recordTexts } from "../engines/replay/lookups.ts";
import { CommandError, EXIT } from "../failure.ts";
import { LiveHost } from "../net/live/host.ts";
import type { RecordedExchange } from "./recordings.ts";
import { loadRecordings } from "./recordings.ts";

export interface Difference {
  readonly what: string;
  readonly difference: string;
}

export interface Compared {
  readonly asked: number;
  readonly same: number;
  /** Not asked: methods that change something, answers that the capture has in part. */
  readonly skipped: number;
  readonly differences: readonly Difference[];
}

export interface AgainstOptions {
  /** How much faster than it was recorded; infinite: as fast as answers come. */
  readonly speed: number;
  /** Methods that change something as well. */
  readonly unsafe: boolean;
}

/** `target`: `http://...` for requests, `@server[:port]` for questions. */
export async function against(
  file: string,
  target: string,
  options: AgainstOptions,
): Promise<Compared> {
  if (/^sips?:/i.test(target))
    throw new CommandError(`--against ${target}: SIP is decoded, but not spoken yet`);
  const recorded = await loadRecordings(file);
  if (target.startsWith("@")) return await askAgain(file, target, recorded.lookups, options);
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target))
    throw new CommandError(`--against ${target}: write it as http://HOST[:PORT] or @SERVER[:PORT]`);
  return await fetchAgain(file, new URL(target), recorded.exchanges, options);
}

/** Waits until it is time for what was recorded at `ms`, as time runs here. */
function pace(speed: number): (ms: number) => Promise<void> {
  const begun = performance.now();
  let first: number | undefined;
  return async (ms) => {
    first ??= ms;
    if (!Number.isFinite(speed)) return;
    const wait = (ms - first) / speed - (performance.now() - begun);
    if (wait > 0) await sleep(wait);
  };
}

const TIME = 30 * SECOND;
/** Said anew for each connection, or of what the client had already. */
const NOT_SENT = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "if-none-match",
  "if-modified-since",
];

async function fetchAgain(
  file: string,
  url: URL,
  exchanges: readonly RecordedExchange[],
  { speed, unsafe }: AgainstOptions,
): Promise<Compared> {
  const wanted = exchanges.filter(
    ({ method, body, statusCode }) =>
      (unsafe || isSafe(method)) &&
      body !== undefined &&
      statusCode !== 304 &&
      method !== "CONNECT",
  );
  if (wanted.length === 0)
    throw new CommandError(`${file}: no request with a whole answer to ask again`, EXIT.input);
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  const origin: Origin = { scheme, host: url.hostname, port };
  const host = new LiveHost();
  const { lookup } = await import("node:dns/promises");
  const differences: Difference[] = [];
  try {
    const address = await lookup(url.hostname.replace(/^\[(.*)\]$/, "$1")).catch(() => {
      throw new CommandError(`${url.hostname}: no address is known`, EXIT.network);
    });
    const fetcher = new Fetcher(host, {
      strategy: { connections: 6, keep: true, depth: 1 },
      lookup: (_name, done) => done(null, { addresses: [address.address] }),
      tls: ({ scheme: s, host: name }) => (s === "https" ? { name } : undefined),
      connectTime: TIME,
      responseTime: TIME,
    });
    const wait = pace(speed);
    const running: Promise<void>[] = [];
    for (const one of wanted) {
      await wait(one.startMs);
      const asked = fetchOne(fetcher, origin, one).then((got) => {
        const difference = typeof got === "string" ? got : differs(one, got);
        if (difference !== undefined)
          differences.push({ what: `${one.method} ${one.host}${one.target}`, difference });
      });
      running.push(asked);
      if (!Number.isFinite(speed)) await asked;
    }
    await Promise.all(running);
    fetcher.close();
  } finally {
    host.stop();
  }
  return {
    asked: wanted.length,
    same: wanted.length - differences.length,
    skipped: exchanges.length - wanted.length,
    differences,
  };
}

interface Got {
  readonly statusCode: number;
  readonly fields: readonly Field[];
  readonly body: Uint8Array;
}

/** The answer, or why there is none. */
function fetchOne(fetcher: Fetcher, origin: Origin, one: RecordedExchange): Promise<Got | string> {
  return new Promise((resolve) => {
    let statusCode = 0;
    let fields: readonly Field[] = [];
    const pieces: Uint8Array[] = [];
    fetcher.fetch(
      {
        method: one.method,
        origin,
        target: one.target,
        fields: without(one.requestFields, ...NOT_SENT),
      },
      {
        head: (head) => {
          statusCode = head.statusCode;
          fields = head.fields;
          pieces.length = 0;
        },
        data: (bytes) => pieces.push(bytes.slice()),
        end: () => resolve({ statusCode, fields, body: concat(pieces) }),
        failed: (why) => resolve(why.message),
      },
    );
  });
}

const COMPARED = ["content-type", "content-encoding", "location", "cache-control", "vary"];

function differs(one: RecordedExchange, got: Got): string | undefined {
  if (got.statusCode !== one.statusCode)
    return `status ${got.statusCode}, it was ${one.statusCode}`;
  for (const name of COMPARED) {
    const [now, before] = [field(got.fields, name), field(one.fields, name)];
    if (now !== before) return `${name}: ${now ?? "none"}, it was ${before ?? "none"}`;
  }
  const before = one.body as Uint8Array;
  if (got.body.length !== before.length)
    return `a body of ${got.body.length} octets, it had ${before.length}`;
  const at = got.body.findIndex((octet, i) => octet !== before[i]);
  return at < 0 ? undefined : `the body differs from octet ${at} on`;
}

type Lookups = Awaited<ReturnType<typeof loadRecordings>>["lookups"];

async function askAgain(
  file: string,
  target: string,
  lookups: Lookups,
  { speed }: AgainstOptions,
): Promise<Compared> {
  const wanted = lookups.filter(
    ({ rcode, type }) => rcode !== undefined && typeCode(type) !== undefined,
  );
  if (wanted.length === 0)
    throw new CommandError(`${file}: no question of DNS with its answer to ask again`, EXIT.input);
  const { addr, port } = serverAddress(target.slice(1), 53);
  const host = new LiveHost();
  const differences: Difference[] = [];
  const wait = pace(speed);
  try {
    const running: Promise<void>[] = [];
    for (const one of wanted) {
      await wait(one.startMs);
      const asked = new Promise<void>((resolve) => {
        const query = clientQuery(
          one.name,
          typeCode(one.type) as number,
          { rd: true },
          host.random,
        );
        new DnsExchange(
          host,
          { server: { addr, port }, transport: "udp", query, tries: 3, timeoutMs: 2000 },
          (result) => {
            const difference = result.ok
              ? dnsDiffers(one, result.response.rcode, recordTexts(result.response.answers))
              : `no answer: ${result.detail}`;
            if (difference !== undefined)
              differences.push({ what: `${one.name} ${one.type}`, difference });
            resolve();
          },
        ).start();
      });
      running.push(asked);
      if (!Number.isFinite(speed)) await asked;
    }
    await Promise.all(running);
  } finally {
    host.stop();
  }
  return {
    asked: wanted.length,
    same: wanted.length - differences.length,
    skipped: lookups.length - wanted.length,
    differences,
  };
}

function dnsDiffers(
  one: Lookups[number],
  rcode: number,
  records: readonly string[],
): string | undefined {
  if (rcode !== one.rcode) return `rcode ${rcode}, it was ${one.rcode}`;
  const gone = one.records.filter((text) => !records.includes(text));
  const fresh = records.filter((text) => !one.records.includes(text));
  if (gone.length + fresh.length === 0) return undefined;
  return [...gone.map((text) => `- ${text}`), ...fresh.map((text) => `+ ${text}`)].join(", ");
}

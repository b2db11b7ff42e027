/** `netkit dns resolve ZONE AXFR @server` and `IXFR=SERIAL`: a zone, or what changed, as records. RFC 5936, RFC 1995. */
import type { ResourceRecord } from "../../codecs/dns/index.ts";
import { TYPE, typeName, writeZone } from "../../codecs/dns/index.ts";
import type { TransferResult } from "../../engines/dns/client/transfer.ts";
import { ZoneTransfer } from "../../engines/dns/client/transfer.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { parseTsigKey } from "../../engines/dns/tsig.ts";
import { serialOf } from "../../engines/dns/zone-diff.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import { readWords } from "./arguments.ts";
import { addressOf } from "./servers.ts";
import type { TlsSettings } from "./tls-client.ts";
import { tlsClient } from "./tls-client.ts";

export interface TransferFlags {
  readonly tsig?: string | undefined;
  readonly timeout?: number | undefined;
  readonly short: boolean;
  readonly json: boolean;
}

const KIND = /^(?:AXFR|IXFR(?:=(.*))?)$/i;

export function wantsTransfer(words: readonly string[]): boolean {
  return words.length > 1 && words.some((word) => KIND.test(word));
}

/** @throws CommandError */
export function tsigKey(text: string): TsigKey {
  const key = parseTsigKey(text);
  if (key === undefined) throw new CommandError("--tsig is no [ALGORITHM:]NAME:BASE64");
  return key;
}

/** Undefined: AXFR. */
function serialOfWord(word: string): number | undefined {
  const [, digits] = KIND.exec(word) ?? [];
  if (/^axfr$/i.test(word)) return undefined;
  const serial = Number(digits);
  if (digits === undefined || !/^[0-9]{1,10}$/.test(digits) || serial > 0xffffffff)
    throw new CommandError("IXFR needs the serial that you have: IXFR=2024010100");
  return serial;
}

/** The exit code. @throws CommandError */
export async function runTransfer(
  words: readonly string[],
  flags: TransferFlags,
  tls: TlsSettings,
): Promise<number> {
  const kinds = words.filter((word) => KIND.test(word));
  const rest = words.filter((word) => !KIND.test(word));
  const { questions, servers } = readWords(rest);
  const [server] = servers;
  const zone = questions[0]?.name.replace(/\.?$/, ".");
  if (kinds.length !== 1 || servers.length !== 1 || server === undefined || zone === undefined)
    throw new CommandError("a transfer is of one ZONE from one @server");
  if (server.transport === "https") throw new CommandError("a transfer goes over TCP or TLS");
  if (questions.some(({ name }) => name !== questions[0]?.name))
    throw new CommandError("a transfer is of one zone");
  const serial = serialOfWord(kinds[0] as string);
  const host = new LiveHost();
  try {
    const started = host.clock.now();
    const result = await transfer(host, {
      zone,
      server: await addressOf(server),
      serial,
      key: flags.tsig === undefined ? undefined : tsigKey(flags.tsig),
      ...(flags.timeout === undefined
        ? {}
        : {
            connectTimeout: flags.timeout * MILLISECOND,
            idleTimeout: flags.timeout * MILLISECOND,
          }),
      tls: server.transport === "tls" ? tlsClient(tls, servers) : undefined,
    });
    const where = `${server.host}#${server.port}`;
    if (result.kind === "failed") {
      const said =
        result.cause === "rcode" ? `the server says ${rcodeName(result.rcode)}` : result.why;
      const codes = { rcode: EXIT.negative, protocol: EXIT.input, network: EXIT.network };
      const rcode = result.cause === "rcode" ? { rcodeName: rcodeName(result.rcode) } : {};
      throw new CommandError(`${zone} from ${where}: ${said}`, codes[result.cause], {
        ...{ name: zone, from: "nobody", server: where, cause: result.cause },
        ...rcode,
      });
    }
    const seconds = (host.clock.now() - started) / SECOND;
    const type = serial === undefined ? TYPE.AXFR : TYPE.IXFR;
    if (flags.json) process.stdout.write(`${json(result, { zone, type, where, seconds })}\n`);
    else {
      process.stdout.write(writeZone(recordsOf(result)));
      process.stderr.write(
        `; ${typeName(type)} ${zone} from ${where}: ${result.kind}, ${result.messages} messages, ${result.octets} octets, ${(seconds * 1000).toFixed(1)} ms\n`,
      );
    }
    return EXIT.done;
  } finally {
    host.stop();
  }
}

function transfer(
  host: LiveHost,
  options: ConstructorParameters<typeof ZoneTransfer>[1],
): Promise<TransferResult> {
  return new Promise((done) => {
    new ZoneTransfer(host, options, done);
  });
}

type Whole = Exclude<TransferResult, { kind: "failed" }>;

/** In the order of the wire, as dig prints them. */
function* recordsOf(result: Whole): Generator<ResourceRecord> {
  if (result.kind === "current") yield result.soa;
  else if (result.kind === "zone") {
    yield* result.records;
    yield result.records[0] as ResourceRecord;
  } else {
    yield result.soa;
    for (const { from, removed, to, added } of result.diffs) {
      yield from;
      yield* removed;
      yield to;
      yield* added;
    }
    yield result.soa;
  }
}

function json(
  result: Whole,
  of: { zone: string; type: number; where: string; seconds: number },
): string {
  const { kind, messages, octets } = result;
  const soa = kind === "zone" ? (result.records[0] as ResourceRecord) : result.soa;
  return JSON.stringify({
    name: of.zone,
    type: of.type,
    typeName: typeName(of.type),
    from: "server",
    server: of.where,
    kind,
    serial: serialOf(soa),
    messages,
    bytes: octets,
    seconds: of.seconds,
    ...(kind === "zone" ? { records: result.records } : {}),
    ...(kind === "diffs" ? { diffs: result.diffs } : {}),
  });
}

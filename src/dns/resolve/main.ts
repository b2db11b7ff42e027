/** From the words and flags of `netkit dns resolve` to what it prints. */
import { classCode, OPCODE } from "../../codecs/dns/index.ts";
import { subnetData } from "../../engines/dns/client/query.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { authorities } from "../../pem.ts";
import { palette } from "../../render/color.ts";
import { readLinesOf } from "../../standard-input.ts";
import type { ServerWord } from "./arguments.ts";
import { readWords } from "./arguments.ts";
import { compareModes, compareServers } from "./compare.ts";
import type { ModeFlags } from "./modes.ts";
import type { Outcome } from "./outcome.ts";
import { exitCodeOf, outcomeJson } from "./outcome.ts";
import { renderOutcome, renderShort } from "./render.ts";
import type { ResolveSettings } from "./run.ts";
import { resolveAll, stepLine } from "./run.ts";
import type { TlsSettings } from "./tls-client.ts";
import { checkTransferAlone, checkWays } from "./together.ts";
import { traceLine } from "./trace-line.ts";
import { runTransfer, tsigKey, wantsTransfer } from "./transfer.ts";

export interface ResolveFlags extends ModeFlags {
  readonly "compare-servers": boolean;
  readonly compare: boolean;
  readonly file?: string | undefined;
  readonly short: boolean;
  readonly json: boolean;
  readonly trace: boolean;
  readonly tcp: boolean;
  readonly ignore: boolean;
  readonly timeout?: number | undefined;
  readonly tries?: number | undefined;
  readonly "same-id": boolean;
  readonly rd: boolean;
  readonly cd: boolean;
  readonly class: string;
  readonly opcode: string;
  readonly edns: boolean;
  readonly bufsize: number;
  readonly dnssec: boolean;
  readonly nsid: boolean;
  readonly cookie: boolean;
  readonly ecs?: string | undefined;
  readonly padding: boolean;
  readonly "tls-name"?: string | undefined;
  readonly "tls-ca"?: string | undefined;
  readonly pin?: readonly string[] | undefined;
  readonly insecure: boolean;
  readonly hosts?: string | undefined;
  readonly "resolv-conf": string;
  readonly concurrency: number;
  readonly tsig?: string | undefined;
}

export function settingsOf(words: readonly string[], flags: ResolveFlags): ResolveSettings {
  const lines = flags.file === undefined ? [] : readLinesOf(flags.file);
  const { questions, servers, refused } = readWords(words, lines);
  const rdclass = classCode(flags.class);
  if (rdclass === undefined) throw new CommandError(`${flags.class} is no class`);
  if (flags.ecs !== undefined) checkSubnet(flags.ecs);
  checkEdns(flags);
  const secure = servers.some((server) => server.transport !== "udp");
  return {
    questions,
    servers,
    refused,
    query: {
      class: rdclass,
      opcode: opcodeOf(flags.opcode),
      rd: flags.rd,
      cd: flags.cd,
      edns: flags.edns,
      udpSize: flags.bufsize,
      dnssec: flags.dnssec,
      nsid: flags.nsid,
      cookie: flags.cookie && !secure,
      padding: flags.padding || secure,
      ...(flags.ecs === undefined ? {} : { subnet: flags.ecs }),
    },
    tcp: flags.tcp,
    timeoutMs: flags.timeout,
    tries: flags.tries,
    sameId: flags["same-id"],
    ignoreTruncation: flags.ignore,
    hosts: flags.hosts,
    resolvConf: flags["resolv-conf"],
    tls: tlsOf(flags),
    key: keyOf(flags, servers),
    concurrency: flags.concurrency,
  };
}

function keyOf(flags: ResolveFlags, servers: readonly ServerWord[]): TsigKey | undefined {
  if (flags.tsig === undefined) return undefined;
  if (flags.mode !== "stub" || flags.validate || flags.compare || flags["compare-servers"])
    throw new CommandError("--tsig signs the questions of a stub, nothing else");
  if (servers.length === 0) throw new CommandError("--tsig is for an @server");
  if (servers.some(({ transport }) => transport === "https"))
    throw new CommandError("--tsig goes over UDP, TCP or TLS");
  return tsigKey(flags.tsig);
}

function tlsOf(flags: ResolveFlags): TlsSettings {
  return {
    ...(flags["tls-name"] === undefined ? {} : { name: flags["tls-name"] }),
    ca: authorities(flags["tls-ca"]),
    pins: (flags.pin ?? []).map(checkPin),
    insecure: flags.insecure,
  };
}

/** RFC 7858 4.2: as the key of the peer is hashed, so that another form would only never match. */
function checkPin(text: string): string {
  const octets = Buffer.from(text, "base64");
  if (octets.length !== 32 || octets.toString("base64") !== text)
    throw new CommandError(`--pin ${text} is no base64 of a SHA-256`);
  return text;
}

function opcodeOf(text: string): number {
  const named = Object.entries(OPCODE).find(([name]) => name === text.toUpperCase())?.[1];
  const opcode = named ?? (/^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN);
  if (opcode <= 15) return opcode;
  throw new CommandError(
    `${text} is no opcode: a number up to 15, or ${Object.keys(OPCODE).join(", ")}`,
  );
}

/** RFC 6891: DO and options are in the OPT record. */
function checkEdns(flags: ResolveFlags): void {
  if (flags.edns) return;
  const { dnssec, nsid, padding } = flags;
  const wanted = Object.entries({ dnssec, nsid, padding, ecs: flags.ecs !== undefined });
  const [without] = wanted.find(([, given]) => given) ?? [];
  if (without !== undefined) throw new CommandError(`--${without} does not go with --no-edns`);
}

function checkSubnet(text: string): void {
  try {
    subnetData(text);
  } catch (error) {
    throw new CommandError(`--ecs ${(error as RangeError).message}`);
  }
}

export async function run(words: readonly string[], flags: ResolveFlags): Promise<number> {
  if (wantsTransfer(words)) {
    checkTransferAlone(flags);
    return runTransfer(words, flags, tlsOf(flags));
  }
  const settings = settingsOf(words, flags);
  checkWays(flags, settings.servers);
  tellRefused(settings, flags);
  const paint = palette();
  if (flags.compare) return compareModes(settings, flags, paint);
  if (flags["compare-servers"]) return compareServers(settings, flags, paint);
  const print = (outcome: Outcome) => {
    const text = flags.json
      ? `${JSON.stringify(outcomeJson(outcome))}\n`
      : flags.short
        ? renderShort(outcome)
        : renderOutcome(outcome, paint);
    process.stdout.write(text);
    if ((flags.short || flags.json) && outcome.from === "nobody")
      process.stderr.write(`netkit: ${outcome.asked.name}: ${outcome.failures.join("; ")}\n`);
  };
  const trace = (line: string) => process.stderr.write(`${line}\n`);
  const outcomes = await resolveAll(settings, flags, {
    outcome: print,
    ...(flags.trace
      ? { step: (event) => trace(stepLine(event)), walk: (event) => trace(traceLine(event)) }
      : {}),
  });
  return settings.refused.length > 0 ? EXIT.input : exitCodeOf(outcomes);
}

/** With `--json` as a line of it too, so that a script misses none. */
function tellRefused({ refused }: ResolveSettings, { file, json }: ResolveFlags): void {
  for (const { line, text, why } of refused) {
    if (json) process.stdout.write(`${JSON.stringify({ from: "nobody", line, text, why })}\n`);
    process.stderr.write(`netkit: ${file} line ${line}: ${why}\n`);
  }
}

/** Flags of `netkit decode` as what they mean; a bad one is told in one line. */

import { DATAGRAM_PROTOCOLS, STREAM_PROTOCOLS } from "../engines/capture/protocols.ts";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { CommandError } from "../failure.ts";
import { deviations } from "./lint.ts";

export interface DecodeFlags {
  readonly json: boolean;
  readonly account?: boolean | undefined;
  readonly verbose: boolean;
  readonly hex: boolean;
  readonly fields?: string | undefined;
  readonly format: string;
  readonly header: boolean;
  readonly time?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly protocol?: string | undefined;
  readonly filter?: string | undefined;
  readonly limit?: number | undefined;
  readonly output?: string | undefined;
  readonly follow: boolean;
  readonly "decode-as"?: string[] | undefined;
  readonly heuristic?: string[] | undefined;
  readonly threads: number;
  readonly strict: boolean;
  readonly lint: boolean;
  readonly progress: boolean;
  readonly color?: boolean | undefined;
}

/** `tcp.port==8053,dns` entries as `tcp 8053` to `dns`. @throws CommandError */
export function decodeAsOf(
  entries: readonly string[] | undefined,
): Map<string, string> | undefined {
  if (entries === undefined) return undefined;
  const table = new Map<string, string>();
  const names = {
    udp: DATAGRAM_PROTOCOLS.map((p) => p.name),
    tcp: STREAM_PROTOCOLS.map((p) => p.name),
  };
  for (const entry of entries) {
    const match = /^\s*(tcp|udp)\.port\s*==\s*([0-9]{1,5})\s*,\s*([a-z0-9-]+)\s*$/.exec(entry);
    const [, transport, port, name] = match ?? [];
    if (transport === undefined || name === undefined || Number(port) > 65_535) {
      throw new CommandError(`--decode-as ${entry}: write it as tcp.port==8053,dns`);
    }
    const known = names[transport as "tcp" | "udp"];
    if (!known.includes(name)) {
      const names = [...new Set(known)].join(", ");
      throw new CommandError(`--decode-as ${entry}: ${transport} protocols are ${names}`);
    }
    table.set(`${transport} ${Number(port)}`, name);
  }
  return table;
}

/** A time of --since and --until as decimal seconds. @throws CommandError */
export function timeOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) {
    throw new CommandError(
      `--${flag} ${text}: write seconds since the epoch, or a time like 2024-05-01T12:00:00Z`,
    );
  }
  return parsed / 1000;
}

/** @throws CommandError with a caret under the fault. */
async function filterOf(source: string): Promise<(record: CaptureRecord) => boolean> {
  const { compileFilter, FilterError, renderFilterError } = await import(
    "../engines/filter/filter.ts"
  );
  try {
    return compileFilter(source);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new CommandError(`--filter: ${renderFilterError(source, error)}`);
  }
}

/** A name that no record can have would give nothing, and no word why. @throws CommandError */
async function protocolsOf(list: string): Promise<Set<string>> {
  const { PROTOCOL_NAMES } = await import("../engines/filter/filter.ts");
  const wanted = new Set(list.split(",").map((name) => name.trim().toLowerCase()));
  for (const name of wanted) {
    if (PROTOCOL_NAMES.has(name)) continue;
    const names = [...PROTOCOL_NAMES].join(", ");
    throw new CommandError(`--protocol: there is no protocol ${name}; there are ${names}`);
  }
  return wanted;
}

/** Flags of which one would be passed over without a word. @throws CommandError */
export function refuseConflicts(flags: DecodeFlags): void {
  const conflict = (message: string) => {
    throw new CommandError(`decode: ${message}`);
  };
  if (flags.json && flags.fields !== undefined) conflict("--json and --fields exclude each other");
  const tree = flags.verbose ? "--verbose" : flags.hex ? "--hex" : undefined;
  if (tree !== undefined && flags.json) conflict(`--json and ${tree} exclude each other`);
  if (tree !== undefined && flags.fields !== undefined)
    conflict(`--fields and ${tree} exclude each other`);
  if (flags.lint && flags.fields !== undefined) conflict("--lint and --fields exclude each other");
  if (flags.lint && tree !== undefined) conflict(`--lint and ${tree} exclude each other`);
  if (flags.format === "csv" && flags.fields === undefined) conflict("--format csv needs --fields");
}

/** What --protocol, --since, --until, --filter and --lint let through; undefined when they let all. @throws CommandError */
export async function keepOf(
  flags: DecodeFlags,
): Promise<((record: CaptureRecord) => boolean) | undefined> {
  const tests: ((record: CaptureRecord) => boolean)[] = [];
  if (flags.protocol !== undefined) {
    const wanted = await protocolsOf(flags.protocol);
    tests.push((record) => wanted.has(record.protocol));
  }
  const since = timeOf("since", flags.since);
  const until = timeOf("until", flags.until);
  if (since !== undefined) tests.push((record) => Number(record.time) >= since);
  if (until !== undefined) tests.push((record) => Number(record.time) < until);
  if (flags.filter !== undefined) tests.push(await filterOf(flags.filter));
  if (flags.lint) tests.push((record) => deviations(record).length > 0);
  if (tests.length === 0) return undefined;
  return (record) => tests.every((test) => test(record));
}

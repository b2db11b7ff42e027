/** Zone files from disk to zones; what is wrong is told with file, line, column and record. RFC 1035 5. */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { keyText } from "../../codecs/dns/canonical.ts";
import { TYPE, typeName } from "../../codecs/dns/constants.ts";
import type { ResourceRecord } from "../../codecs/dns/message.ts";
import { readZone } from "../../codecs/dns/zonefile.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type { Rrset } from "../../engines/dns/zone.ts";
import { Zone, ZoneError } from "../../engines/dns/zone.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { safe } from "../../render/safe.ts";
import { nameOf } from "../resolve/arguments.ts";

/** RFC 1035 4.2.2: two octets of length; without the header and the shortest question. */
const MAX_ANSWER = 65_535 - 12 - 5;
/** A pointer, type, class, TTL and length. */
const RECORD_HEAD = 12;

export interface ZoneSource {
  readonly file: string;
  /** Without it the owner of the first SOA. */
  readonly name: string | undefined;
}

/** `[NAME=]FILE`. @throws CommandError */
export function zoneSource(text: string): ZoneSource {
  const equals = text.indexOf("=");
  if (equals < 1) return { file: text, name: undefined };
  const name = nameOf(text.slice(0, equals));
  return { file: text.slice(equals + 1), name: name.endsWith(".") ? name : `${name}.` };
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly at: number;
}

class Files {
  readonly records: ResourceRecord[] = [];
  readonly places = new Map<ResourceRecord, Place>();
  private readonly stack: { file: string; text: string }[] = [];
  private depth = 0;
  private place: Place;

  private readonly source: ZoneSource;

  constructor(source: ZoneSource) {
    this.source = source;
    this.place = { file: source.file, line: 1, at: 0 };
  }

  read(): void {
    const { file, name } = this.source;
    const text = this.open(file, 0);
    try {
      const options = {
        ...(name === undefined ? {} : { origin: name }),
        include: (inner: string) => this.include(inner),
        entered: (line: number, at: number, depth: number) => {
          this.depth = depth;
          this.place = { file: this.stack[depth]?.file ?? file, line, at };
        },
      };
      for (const record of readZone(text, options)) {
        this.records.push(record);
        this.places.set(record, this.place);
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const plain = error.message.replace(/^line [0-9]+: /, "");
      const message =
        error.code === "dns.zone.origin" ? `${plain}: give NAME=FILE, or $ORIGIN in it` : plain;
      throw this.refusal(this.place, error.offset, message, `${error.code}, ${error.spec}`);
    }
  }

  /** What cannot be read is a fault of the line that names it. */
  private include(inner: string): string {
    const { place } = this;
    const path = isAbsolute(inner) ? inner : join(dirname(place.file), inner);
    try {
      return this.open(path, this.depth + 1);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw this.refusal(place, place.at, error.message, "dns.zone.include, RFC 1035 5.1");
    }
  }

  private open(file: string, depth: number): string {
    try {
      const text = readFileSync(file, "latin1");
      this.stack[depth] = { file, text };
      return text;
    } catch (error) {
      throw new CommandError(`${file}: ${(error as Error).message}`, EXIT.input);
    }
  }

  refusal(place: Place, at: number, message: string, code: string): ZoneFileError {
    const known = this.stack.find((one) => one?.file === place.file);
    const text = known?.text ?? "";
    const before = text.slice(0, at);
    const column = at - (before.lastIndexOf("\n") + 1) + 1;
    // The text of a file that was included may have made room for another's.
    const line = known === undefined ? place.line : before.split("\n").length;
    const entry = (text.split("\n", line)[line - 1] ?? "").trim();
    return new ZoneFileError({ file: place.file, line, column, code, why: message, entry });
  }
}

export interface ZoneFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The code of the fault, and the section that it breaks. */
  readonly code: string;
  readonly why: string;
  /** The line, as it stands there. */
  readonly entry: string;
}

/** What a script is told of a file that may not be served. */
export class ZoneFileError extends CommandError {
  constructor(fault: ZoneFault) {
    const { file, line, column, code, why, entry } = fault;
    // Octets of the file may be control characters of a terminal.
    const text = `${safe(why)} (${code}) in: ${safe(entry)}`;
    const [name, spec] = code.split(", ");
    const details = { file, line, column, code: name, spec, why, entry };
    super(`${file}:${line}:${column}: ${text}`, EXIT.input, details);
  }
}

export interface Loaded {
  readonly zone: Zone;
  readonly warnings: readonly string[];
}

/** @throws CommandError in one line, when nothing may be served from the file */
export function loadZone(source: ZoneSource): Loaded {
  const files = new Files(source);
  files.read();
  const soa = files.records.find((record) => record.type === TYPE.SOA);
  const name = source.name ?? soa?.name;
  if (name === undefined)
    throw new CommandError(
      `${source.file}: there is no SOA record (zone.soa, RFC 1035 5.2)`,
      EXIT.input,
    );
  try {
    const zone = new Zone(name, files.records);
    return { zone, warnings: warningsOf(zone) };
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    const [first] = error.issues;
    const code = `${first?.code}, ${first?.spec}`;
    const place = first?.record === undefined ? undefined : files.places.get(first.record);
    if (place === undefined)
      throw new CommandError(`${source.file}: ${error.message} (${code})`, EXIT.input);
    throw files.refusal(place, place.at, error.message, code);
  }
}

/** What is served and is likely wrong all the same. */
function warningsOf(zone: Zone): string[] {
  const warnings: string[] = [];
  if (zone.apex.rrset(TYPE.NS) === undefined)
    warnings.push(`${zone.name} has no NS records (RFC 1034 4.2.1)`);
  for (const node of zone.nodes) {
    const { dname } = node;
    if (dname !== undefined && node.rrsets.length > 0)
      warnings.push(
        `${keyText(node.ref.key)} is below the DNAME of ${keyText(dname.ref.key)} and never answered (RFC 6672 2.4)`,
      );
    for (const rrset of node.rrsets) {
      if (wireSize(rrset, zone) > MAX_ANSWER)
        warnings.push(
          `${typeName(rrset.type)} of ${keyText(node.ref.key)} does not fit a message: it is answered with TC and no data (RFC 1035 4.2.2)`,
        );
      if (rrset.type !== TYPE.NS && rrset.type !== TYPE.MX) continue;
      for (const record of rrset.records) {
        const { host } = record.rdata as { host?: string };
        if (host === undefined) continue;
        const target = zone.intern(host).node;
        if (target?.rrset(TYPE.CNAME) !== undefined)
          warnings.push(
            `${typeName(rrset.type)} of ${record.name} is the alias ${host} (RFC 2181 10.3)`,
          );
        else if (needsAddress(zone, host) && !hasAddress(zone, host))
          warnings.push(`${typeName(rrset.type)} of ${record.name}: ${host} has no address here`);
      }
    }
  }
  return warnings;
}

/** Octets in an answer, its names compressed at best; signatures are told apart by DO. */
function wireSize(rrset: Rrset, zone: Zone): number {
  return rrset.wire(zone).reduce((sum, { bytes }) => sum + RECORD_HEAD + bytes.length, 0);
}

function needsAddress(zone: Zone, host: string): boolean {
  const { key } = zone.intern(host);
  if (!key.endsWith(zone.origin)) return false;
  const { cut } = zone.closest(key);
  return cut === undefined || key.endsWith(cut.ref.key);
}

function hasAddress(zone: Zone, host: string): boolean {
  const ref = zone.intern(host);
  const node = ref.node ?? zone.closest(ref.key).wildcard;
  return node?.rrset(TYPE.A) !== undefined || node?.rrset(TYPE.AAAA) !== undefined;
}

/** Master files: RFC 1035 5, `$TTL` of RFC 2308 4, units and `$GENERATE` of BIND, unknown types of RFC 3597. */
import { EncodeError } from "../errors.ts";
import { CLASS, classCode, className, TYPE, typeCode, typeName } from "./constants.ts";
import { generated } from "./generate.ts";
import type { RdataFields, ResourceRecord } from "./message.ts";
import { nameLabels } from "./name.ts";
import { formatRdata } from "./rdata.ts";
import { parseRdata } from "./rdata-parse.ts";
import type { Entry, Token } from "./tokens.ts";
import { entries, zoneError } from "./tokens.ts";

/** Files inside each other by `$INCLUDE`. */
const MAX_INCLUDES = 16;

export interface ZoneOptions {
  /** Where relative names begin, until `$ORIGIN` says otherwise. */
  readonly origin?: string;
  /** Seconds, until `$TTL` or a record says otherwise. */
  readonly ttl?: number;
  readonly class?: number;
  /** The text of an included file, one code point an octet. Without it `$INCLUDE` is an error. */
  readonly include?: (file: string) => string;
  /** Told before each entry is read: its line, the index of its first word, and how many files include this one. */
  readonly entered?: (line: number, at: number, depth: number) => void;
}

interface State {
  origin: string | undefined;
  owner: string | undefined;
  /** `$TTL`, and the TTL of the record before (RFC 1035 5.1: omitted ones repeat the last). */
  defaultTtl: number | undefined;
  lastTtl: number | undefined;
  class: number;
  depth: number;
}

/**
 * The records of a zone, one by one. `text`: one code point an octet.
 * @throws DecodeError, with the line in its message and the offset of the word
 */
export function* readZone(text: string, options: ZoneOptions = {}): Generator<ResourceRecord> {
  const state: State = {
    origin: options.origin === undefined ? undefined : withDot(options.origin),
    owner: undefined,
    defaultTtl: options.ttl,
    lastTtl: undefined,
    class: options.class ?? CLASS.IN,
    depth: 0,
  };
  yield* readFile(text, state, options);
}

function* readFile(text: string, state: State, options: ZoneOptions): Generator<ResourceRecord> {
  for (const entry of entries(text)) {
    const [first] = entry.tokens;
    options.entered?.(entry.line, first?.at ?? 0, state.depth);
    if (first?.text.startsWith("$") === true && !first.quoted && !entry.indented) {
      yield* directive(entry, state, options);
    } else {
      yield record(entry, state);
    }
  }
}

function withDot(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

function* directive(entry: Entry, state: State, options: ZoneOptions): Generator<ResourceRecord> {
  const [name, ...args] = entry.tokens as [Token, ...Token[]];
  const [value, second] = args;
  const wrong = (message: string, token: Token = name) =>
    zoneError("directive", token.at, entry.line, message);
  if (value === undefined) throw wrong(`${name.text} without a value`);
  switch (name.text.toUpperCase()) {
    case "$ORIGIN":
      state.origin = absoluteName(value, entry, state);
      return;
    case "$TTL": {
      const ttl = ttlOf(value.text);
      if (ttl === undefined) throw wrong(`${value.text} is no TTL`, value);
      state.defaultTtl = ttl;
      return;
    }
    case "$INCLUDE": {
      if (options.include === undefined) throw wrong("$INCLUDE is not allowed here");
      if (state.depth >= MAX_INCLUDES)
        throw wrong(`more than ${MAX_INCLUDES} files inside each other`);
      // RFC 1035 5.1: the origin and owner of the including file stay as they are.
      const inner: State = { ...state, depth: state.depth + 1 };
      if (second !== undefined) inner.origin = absoluteName(second, entry, state);
      yield* readFile(options.include(value.text), inner, options);
      return;
    }
    case "$GENERATE": {
      const inner: State = { ...state };
      for (const one of generated(entry)) yield record(one, inner);
      return;
    }
    default:
      throw wrong(`${name.text} is no directive`);
  }
}

/** Seconds, or BIND's `1w2d3h4m5s`. */
export function ttlOf(text: string): number | undefined {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text) <= 0x7fffffff ? Number(text) : undefined;
  if (!/^([0-9]{1,9}[wdhms])+$/i.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };
  let seconds = 0;
  for (const [, count, unit] of text.toLowerCase().matchAll(/([0-9]+)([wdhms])/g)) {
    seconds += Number(count) * (units[unit as string] as number);
  }
  return seconds <= 0x7fffffff ? seconds : undefined;
}

function absoluteName(token: Token, entry: Entry, state: State): string {
  const { text } = token;
  let name = text;
  if (text === "@") {
    if (state.origin === undefined)
      throw zoneError("origin", token.at, entry.line, "@ without an origin");
    name = state.origin;
  } else if (!endsInDot(text)) {
    if (state.origin === undefined)
      throw zoneError(
        "origin",
        token.at,
        entry.line,
        `${text} is relative, and there is no origin`,
      );
    name = state.origin === "." ? `${text}.` : `${text}.${state.origin}`;
  }
  try {
    nameLabels(name);
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw zoneError("name", token.at, entry.line, error.message);
  }
  return name;
}

/** Whether the last dot is one that separates, not an escaped one. */
function endsInDot(text: string): boolean {
  if (!text.endsWith(".")) return false;
  let backslashes = 0;
  for (let i = text.length - 2; i >= 0 && text[i] === "\\"; i--) backslashes++;
  return backslashes % 2 === 0;
}

/** `[owner] [TTL] [class] type rdata`, TTL and class in either order. */
function record(entry: Entry, state: State): ResourceRecord {
  const tokens = [...entry.tokens];
  if (!entry.indented) state.owner = absoluteName(tokens.shift() as Token, entry, state);
  const { owner } = state;
  if (owner === undefined)
    throw zoneError("owner", tokens[0]?.at ?? 0, entry.line, "there is no owner to repeat");
  let ttl: number | undefined;
  let rdclass: number | undefined;
  for (let n = 0; n < 2; n++) {
    const text = tokens[0]?.text ?? "";
    if (ttl === undefined && /^[0-9]/.test(text) && ttlOf(text) !== undefined)
      ttl = ttlOf((tokens.shift() as Token).text);
    else if (rdclass === undefined && classCode(text) !== undefined)
      rdclass = classCode((tokens.shift() as Token).text);
  }
  const typeToken = tokens.shift();
  const type = typeToken === undefined ? undefined : typeCode(typeToken.text);
  if (type === undefined || typeToken === undefined) {
    throw zoneError(
      "type",
      typeToken?.at ?? 0,
      entry.line,
      `${typeToken?.text ?? "nothing"} is no type`,
    );
  }
  if (rdclass !== undefined) state.class = rdclass;
  try {
    const rdata = parseRdata(type, withUnits(type, tokens), (name) =>
      absoluteName({ text: name, quoted: false, at: typeToken.at }, entry, state),
    );
    const found =
      ttl ??
      state.defaultTtl ??
      state.lastTtl ??
      (type === TYPE.SOA ? ((rdata as RdataFields)["minimum"] as number | undefined) : undefined);
    if (found === undefined)
      throw zoneError("ttl", typeToken.at, entry.line, "no TTL is given, and there is none before");
    state.lastTtl = found;
    return { name: owner, type, class: state.class, ttl: found, rdata };
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw zoneError("rdata", typeToken.at, entry.line, error.message);
  }
}

/** The times of SOA may have BIND's units. */
function withUnits(type: number, tokens: readonly Token[]): readonly Token[] {
  if (type !== TYPE.SOA) return tokens;
  return tokens.map((token, i) => {
    const seconds = i >= 3 && !/^[0-9]+$/.test(token.text) ? ttlOf(token.text) : undefined;
    return seconds === undefined ? token : { ...token, text: String(seconds) };
  });
}

/** A zone in text: one record a line, names absolute. @throws EncodeError */
export function writeZone(records: Iterable<ResourceRecord>): string {
  const lines: string[] = [];
  for (const { name, ttl, class: rdclass, type, rdata } of records) {
    lines.push(
      `${name}\t${ttl}\t${className(rdclass)}\t${typeName(type)}\t${formatRdata(type, rdata)}\n`,
    );
  }
  return lines.join("");
}

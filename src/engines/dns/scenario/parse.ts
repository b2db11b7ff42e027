/**
 * Scenario files of resolver tests (.rpl): the dialects of unbound's testbound and of deckard.
 * A header of settings, address ranges with canned replies, and steps.
 */
import type { DnsMessage, Question, ResourceRecord } from "../../../codecs/dns/index.ts";
import { classCode, readMessage, readZone, typeCode } from "../../../codecs/dns/index.ts";
import { DecodeError, EncodeError } from "../../../codecs/errors.ts";
import { fromHex } from "../../../codecs/writer.ts";

/** A file that is no scenario: the line, and what is wrong with it. */
export class ScenarioError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = "ScenarioError";
    this.line = line;
  }
}

export interface Setting {
  /** `server`, `stub-zone` and so on; empty in deckard's dialect. */
  readonly clause: string;
  /** Tells clauses of one name apart. */
  readonly index: number;
  readonly key: string;
  readonly value: string;
}

export interface Entry {
  readonly match: readonly string[];
  readonly adjust: readonly string[];
  /** Flags and rcode, upper case. */
  readonly reply: readonly string[];
  readonly question: Question | undefined;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** The message as octets, in place of sections. */
  readonly raw: DnsMessage | undefined;
  /** EDNS options, hex; undefined when the entry says nothing of them. */
  readonly ednsData: string | undefined;
  /** Messages that follow the first, of a zone transfer. */
  readonly more: readonly Entry[];
}

export interface Range {
  readonly from: number;
  readonly to: number;
  /** None: any. */
  readonly addresses: readonly string[];
  readonly entries: readonly Entry[];
}

export interface Step {
  readonly number: number;
  readonly line: number;
  readonly kind: string;
  readonly words: readonly string[];
  /** Of a query: who asks. */
  readonly address: string | undefined;
  readonly entry: Entry | undefined;
}

export interface Scenario {
  readonly title: string;
  readonly settings: readonly Setting[];
  /** Files that the settings speak of, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly ranges: readonly Range[];
  readonly steps: readonly Step[];
}

class Lines {
  private readonly lines: readonly string[];
  at = 0;
  constructor(text: string) {
    this.lines = text.split(/\r?\n/);
  }
  get done(): boolean {
    return this.at >= this.lines.length;
  }
  /** The next line that says something, without its comment and indentation. */
  next(): string | undefined {
    while (!this.done) {
      const line = stripped(this.lines[this.at++] as string);
      if (line !== "") return line;
    }
    return undefined;
  }
  raw(): string | undefined {
    return this.done ? undefined : this.lines[this.at++];
  }
  fail(message: string): ScenarioError {
    return new ScenarioError(this.at, message);
  }
}

/** Without a comment that is not in quotes. */
function stripped(line: string): string {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === '"' && line[i - 1] !== "\\") quoted = !quoted;
    else if (c === ";" && !quoted && line[i - 1] !== "\\") return line.slice(0, i).trim();
  }
  return line.trim();
}

/** @throws ScenarioError */
export function parseScenario(text: string): Scenario {
  const lines = new Lines(text);
  const files = new Map<string, string>();
  const settings = parseSettings(lines, files);
  const start = lines.next();
  if (start?.startsWith("SCENARIO_BEGIN") !== true)
    throw lines.fail("no SCENARIO_BEGIN after CONFIG_END");
  const ranges: Range[] = [];
  const steps: Step[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith("SCENARIO_END")) break;
    if (line.startsWith("RANGE_BEGIN")) ranges.push(parseRange(lines, line));
    else if (line.startsWith("STEP")) steps.push(parseStep(lines, line));
    else if (line.startsWith("TEMPFILE_CONTENTS"))
      files.set(line.split(/\s+/)[1] ?? "", tempFile(lines));
    else throw lines.fail(`${line.split(/\s/)[0]} is not expected here`);
  }
  return { title: start.slice("SCENARIO_BEGIN".length).trim(), settings, files, ranges, steps };
}

function tempFile(lines: Lines): string {
  const out: string[] = [];
  for (
    let raw = lines.raw();
    raw !== undefined && !raw.startsWith("TEMPFILE_END");
    raw = lines.raw()
  )
    out.push(raw);
  return out.join("\n");
}

/** `key: value`, several of them in a line too; a value may have colons that no space follows. */
const SETTING =
  /([A-Za-z0-9-]+):(?=\s|"|$)\s*(?:"([^"]*)"|((?:(?![A-Za-z0-9-]+:(?:\s|"|$))\S+\s*)*))/g;
const CLAUSES: ReadonlySet<string> = new Set([
  "server",
  "stub-zone",
  "forward-zone",
  "auth-zone",
  "local-zone",
  "remote-control",
  "dynlib",
  "view",
]);

function parseSettings(lines: Lines, files: Map<string, string>): Setting[] {
  const settings: Setting[] = [];
  let clause = "";
  let index = 0;
  let open: { clause: string; index: number; key: string } | undefined;
  for (let raw = lines.raw(); raw !== undefined; raw = lines.raw()) {
    const line = /^\s*[A-Za-z0-9-]+:\s*"/.test(raw)
      ? raw.trim()
      : raw.replace(/(^|\s)[#;].*$/, "").trim();
    if (line.startsWith("CONFIG_END")) return settings;
    if (line.startsWith("TEMPFILE_CONTENTS")) {
      files.set(line.split(/\s+/)[1] ?? "", tempFile(lines));
      continue;
    }
    if (line.startsWith("TEMPFILE_NAME") && open !== undefined) {
      settings.push({ ...open, value: line.split(/\s+/)[1] ?? "" });
      continue;
    }
    for (const [, key, quoted, bare] of line.matchAll(SETTING) as Iterable<string[]>) {
      if (key === undefined) continue;
      const value = quoted ?? (bare ?? "").trim();
      if (value === "" && CLAUSES.has(key)) {
        clause = key;
        index++;
        continue;
      }
      open = { clause, index, key };
      if (value !== "") settings.push({ ...open, value });
    }
  }
  throw lines.fail("no CONFIG_END");
}

function parseRange(lines: Lines, head: string): Range {
  const [, from, to] = head.split(/\s+/);
  const addresses: string[] = [];
  const entries: Entry[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith("RANGE_END"))
      return { from: Number(from), to: Number(to), addresses, entries };
    if (line.startsWith("ADDRESS")) addresses.push(line.split(/\s+/)[1] ?? "");
    else if (line.startsWith("ENTRY_BEGIN")) entries.push(parseEntry(lines));
    else throw lines.fail(`${line.split(/\s/)[0]} is not expected in a range`);
  }
  throw lines.fail("a range has no end");
}

/** Steps that carry an entry. */
const WITH_ENTRY = new Set(["QUERY", "CHECK_ANSWER", "CHECK_OUT_QUERY", "REPLY"]);

function parseStep(lines: Lines, head: string): Step {
  const [, number, kind, ...words] = head.split(/\s+/);
  const step = { number: Number(number), line: lines.at, kind: kind ?? "", words };
  let address = words[0] === "ADDRESS" ? words[1] : undefined;
  if (step.kind === "CHECK_TEMPFILE") {
    const expected: string[] = [];
    for (let raw = lines.raw(); raw !== undefined && !raw.startsWith("FILE_END"); raw = lines.raw())
      if (!raw.startsWith("FILE_BEGIN")) expected.push(raw);
    return { ...step, words: [...words, expected.join("\n")], address, entry: undefined };
  }
  if (!WITH_ENTRY.has(step.kind)) return { ...step, address, entry: undefined };
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith("ADDRESS")) address = line.split(/\s+/)[1];
    else if (line.startsWith("ENTRY_BEGIN")) return { ...step, address, entry: parseEntry(lines) };
    else throw lines.fail(`step ${number} has no entry`);
  }
  throw lines.fail(`step ${number} has no entry`);
}

function parseEntry(lines: Lines, packets: Entry[] = []): Entry {
  const match: string[] = [];
  const adjust: string[] = [];
  const reply: string[] = [];
  const sections: Record<string, string[]> = {
    question: [],
    answer: [],
    authority: [],
    additional: [],
  };
  let section = "";
  let raw: DnsMessage | undefined;
  let ednsData: string | undefined;
  const begun = lines.at;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const [word, ...words] = line.split(/\s+/) as [string, ...string[]];
    if (word === "ENTRY_END" || word === "EXTRA_PACKET") {
      const records = (name: string) => parseRecords(sections[name] ?? [], begun);
      if (word === "EXTRA_PACKET") parseEntry(lines, packets);
      const entry: Entry = {
        match,
        adjust,
        reply,
        question:
          sections["question"]?.[0] === undefined
            ? undefined
            : parseQuestion(sections["question"][0], begun),
        answer: records("answer"),
        authority: records("authority"),
        additional: records("additional"),
        raw,
        ednsData,
        more: [],
      };
      const more = [...packets];
      packets.unshift(entry);
      return { ...entry, more };
    }
    if (word === "MATCH") match.push(...words.map((one) => one.toLowerCase()));
    else if (word === "ADJUST") adjust.push(...words.map((one) => one.toLowerCase()));
    else if (word === "REPLY" || word === "FLAGS")
      reply.push(...words.map((one) => one.toUpperCase()));
    else if (word === "SECTION") section = (words[0] ?? "").toLowerCase();
    else if (word.startsWith("HEX_ANSWER_BEGIN"))
      raw = messageOf(hexBlock(lines, "HEX_ANSWER_END"), lines);
    else if (word.startsWith("HEX_EDNSDATA_BEGIN")) ednsData = hexBlock(lines, "HEX_EDNSDATA_END");
    else if (word === "RAW") raw = messageOf(words.join(""), lines);
    else if (sections[section] === undefined)
      throw lines.fail(`${word} is not expected in an entry`);
    else (sections[section] as string[]).push(line);
  }
  throw lines.fail("an entry has no end");
}

function hexBlock(lines: Lines, end: string): string {
  let hex = "";
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith(end)) return hex.replace(/\s/g, "").toLowerCase();
    hex += line;
  }
  throw lines.fail(`no ${end}`);
}

function messageOf(hex: string, lines: Lines): DnsMessage {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw lines.fail("the octets are not hex");
  return readMessage(bytes).message;
}

function absolute(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

function parseQuestion(line: string, at: number): Question {
  const words = line.split(/\s+/);
  const [name, ...all] = words;
  // Some give a TTL, as if it were a record.
  const rest = all.filter((word) => !/^\d+$/.test(word));
  const type = typeCode(rest[rest.length - 1] ?? "");
  const rrclass = rest.length > 1 ? classCode(rest[0] as string) : 1;
  if (name === undefined || type === undefined || rrclass === undefined)
    throw new ScenarioError(at, `${line} is no question`);
  return { name: absolute(name), type, class: rrclass };
}

function parseRecords(lines: readonly string[], at: number): ResourceRecord[] {
  if (lines.length === 0) return [];
  const read = (text: string) => [...readZone(`${text}\n`, { origin: ".", ttl: 3600 })];
  try {
    return read(lines.join("\n"));
  } catch (whole) {
    if (!(whole instanceof DecodeError) && !(whole instanceof EncodeError)) throw whole;
    return lines.flatMap((line) => lenient(line, read, at));
  }
}

/** The readers of these files ignore words behind a record. */
function lenient(
  line: string,
  read: (text: string) => ResourceRecord[],
  at: number,
): ResourceRecord[] {
  const words = line.split(/\s+/);
  for (let drop = 0; ; drop++) {
    try {
      return read(words.slice(0, words.length - drop).join(" "));
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof EncodeError)) throw error;
      if (drop >= 3 || !error.message.includes("too many"))
        throw new ScenarioError(at, `in the entry: ${error.message}`);
    }
  }
}

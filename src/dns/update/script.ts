/** Changes in words, as nsupdate takes them, to the sections of an UPDATE. RFC 2136 2.4, 2.5. */
import type { ResourceRecord } from "../../codecs/dns/index.ts";
import { CLASS, TYPE, ttlOf, typeCode } from "../../codecs/dns/index.ts";
import { rdataFromText } from "../../codecs/dns/rdata-parse.ts";
import { DecodeError, EncodeError } from "../../codecs/errors.ts";
import { CommandError, EXIT } from "../../failure.ts";

export interface Changes {
  readonly zone: string | undefined;
  readonly server: string | undefined;
  readonly prerequisites: readonly ResourceRecord[];
  readonly updates: readonly ResourceRecord[];
}

const EMPTY = { opaque: "" } as const;

/** A word and what is left, unchanged. */
function split(text: string): [word: string, rest: string] {
  const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*)$/s.exec(text) ?? [];
  return [word, rest];
}

function absolute(name: string): string {
  if (name === "") throw new CommandError("a name is missing", EXIT.input);
  return name.endsWith(".") ? name : `${name}.`;
}

function record(name: string, ttl: number, rdclass: number, type: number, text: string) {
  return { name, type, class: rdclass, ttl, rdata: rdataFromText(type, text) };
}

/** `[CLASS] TYPE [RDATA]`; the class must be IN. */
function typed(text: string): [type: number | undefined, rdata: string] {
  let [word, rest] = split(text);
  if (/^in$/i.test(word)) [word, rest] = split(rest);
  if (word === "") return [undefined, ""];
  const type = typeCode(word.toUpperCase());
  if (type === undefined) throw new CommandError(`${word} is no type`, EXIT.input);
  return [type, rest];
}

function addition(text: string): ResourceRecord {
  const [name, more] = split(text);
  const [ttlText, rest] = split(more);
  const ttl = ttlOf(ttlText);
  if (ttl === undefined) throw new CommandError(`${ttlText} is no TTL`, EXIT.input);
  const [type, rdata] = typed(rest);
  if (type === undefined) throw new CommandError("the type is missing", EXIT.input);
  return record(absolute(name), ttl, CLASS.IN, type, rdata);
}

function deletion(text: string): ResourceRecord {
  const [word, more] = split(text);
  const name = absolute(word);
  const [maybeTtl, behind] = split(more);
  const [type, rdata] = typed(/^[0-9]+$/.test(maybeTtl) ? behind : more);
  if (type === undefined) return { name, type: TYPE.ANY, class: CLASS.ANY, ttl: 0, rdata: EMPTY };
  if (rdata === "") return { name, type, class: CLASS.ANY, ttl: 0, rdata: EMPTY };
  return record(name, 0, CLASS.NONE, type, rdata);
}

function prerequisite(text: string): ResourceRecord {
  const [kind, more] = split(text);
  const [word, rest] = split(more);
  const name = absolute(word);
  const [type, rdata] = typed(rest);
  const of = (rdclass: number, what: number): ResourceRecord => ({
    name,
    type: what,
    class: rdclass,
    ttl: 0,
    rdata: EMPTY,
  });
  switch (kind.toLowerCase()) {
    case "yxdomain":
      return of(CLASS.ANY, TYPE.ANY);
    case "nxdomain":
      return of(CLASS.NONE, TYPE.ANY);
  }
  if (type === undefined) throw new CommandError("the type is missing", EXIT.input);
  switch (kind.toLowerCase()) {
    case "yxrrset":
      return rdata === "" ? of(CLASS.ANY, type) : record(name, 0, CLASS.IN, type, rdata);
    case "nxrrset":
      return of(CLASS.NONE, type);
  }
  throw new CommandError(`${kind} is none of yxdomain nxdomain yxrrset nxrrset`, EXIT.input);
}

/** One batch per `send`; what stands behind the last is one too. @throws CommandError */
export function readScript(lines: readonly string[], zone: string | undefined): Changes[] {
  const batches: Changes[] = [];
  let at: { zone: string | undefined; server: string | undefined } = { zone, server: undefined };
  let prerequisites: ResourceRecord[] = [];
  let updates: ResourceRecord[] = [];
  const send = () => {
    if (prerequisites.length + updates.length > 0) batches.push({ ...at, prerequisites, updates });
    prerequisites = [];
    updates = [];
  };
  const one = (line: string) => {
    const [first, rest] = split(line);
    const [verb, text] = first.toLowerCase() === "update" ? split(rest) : [first, rest];
    if (verb === "" || verb.startsWith(";") || verb.startsWith("#")) return;
    switch (verb.toLowerCase()) {
      case "server": {
        const [address, port] = split(text);
        at = {
          ...at,
          server:
            port === "" ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`,
        };
        return;
      }
      case "zone":
        at = { ...at, zone: absolute(text.trim()) };
        return;
      case "prereq":
        prerequisites.push(prerequisite(text));
        return;
      case "add":
        updates.push(addition(text));
        return;
      case "del":
      case "delete":
        updates.push(deletion(text));
        return;
      case "send":
        send();
        return;
      default:
        throw new CommandError(`${verb} is none of server zone prereq add delete send`, EXIT.input);
    }
  };
  lines.forEach((line, i) => {
    try {
      one(line);
    } catch (error) {
      const told = [CommandError, DecodeError, EncodeError].some((kind) => error instanceof kind);
      if (!told) throw error;
      // What reads the data tells a line of its own, that of zone files.
      const why = (error as Error).message.replace(/^line [0-9]+: /, "");
      throw new CommandError(`line ${i + 1}: ${why} in: ${line.trim()}`, EXIT.input);
    }
  });
  send();
  return batches;
}

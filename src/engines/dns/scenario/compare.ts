/** What an entry of a scenario asks of a message. */

import { canonicalRdata } from "../../../codecs/dns/canonical.ts";
import type { DnsMessage, ResourceRecord } from "../../../codecs/dns/index.ts";
import { formatRdata, OPCODE, RCODE, readZone, typeName } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { hex } from "../../../codecs/reader.ts";
import { isWithin, keyOf } from "../dnssec/names.ts";
import type { Entry } from "./parse.ts";

export interface Expected {
  readonly rcode: number;
  readonly opcode: number;
  readonly flags: ReadonlySet<string>;
}

const FLAGS = ["QR", "AA", "TC", "RD", "RA", "AD", "CD"] as const;

/** Flags, opcode and rcode that an entry's REPLY line names. */
export function expected({ reply }: Entry): Expected {
  const named = (table: Readonly<Record<string, number>>) =>
    reply
      .map((word) => table[word === "NOTIMPL" ? "NOTIMP" : word])
      .find((code) => code !== undefined);
  const opcodes: Record<string, number> = { NOTIFY: OPCODE.NOTIFY, UPDATE: OPCODE.UPDATE };
  return {
    rcode: named(RCODE) ?? RCODE.NOERROR,
    opcode: named(opcodes) ?? OPCODE.QUERY,
    flags: new Set(reply),
  };
}

/** Whether a canned reply is for this query. */
export function matchesQuery(entry: Entry, query: DnsMessage, tcp: boolean): boolean {
  const asked = query.questions[0];
  const wanted = entry.raw?.questions[0] ?? entry.question;
  if (asked === undefined) return false;
  const same = wanted !== undefined && keyOf(asked.name) === keyOf(wanted.name);
  return entry.match.every((rule) => {
    switch (rule) {
      case "opcode":
        return query.opcode === expected(entry).opcode;
      case "qtype":
        return asked.type === wanted?.type;
      case "qname":
        return same;
      case "subdomain":
        return wanted !== undefined && isWithin(keyOf(asked.name), keyOf(wanted.name));
      case "question":
        return same && asked.type === wanted?.type;
      case "tcp":
        return tcp;
      case "udp":
        return !tcp;
      case "do":
        return query.edns?.do === true;
      case "ednsdata":
        return ednsData(query) === (entry.ednsData ?? "");
      default:
        return true;
    }
  });
}

export function ednsData(message: DnsMessage): string {
  return (message.edns?.options ?? [])
    .map(
      ({ code, data }) =>
        code.toString(16).padStart(4, "0") + (data.length / 2).toString(16).padStart(4, "0") + data,
    )
    .join("");
}

/** What is wrong with an answer; undefined when it is as wanted. */
export function difference(entry: Entry, message: DnsMessage, strict: boolean): string | undefined {
  const rules = new Set(entry.match);
  const want = (rule: string) => rules.has(rule) || rules.has("all");
  const { rcode, flags } = expected(entry);
  if (want("rcode") && message.rcode !== rcode)
    return `rcode is ${rcodeName(message.rcode)}, not ${rcodeName(rcode)}`;
  if (want("flags")) {
    const wrong = FLAGS.filter((flag) => flags.has(flag) !== hasFlag(message, flag));
    if (wrong.length > 0)
      return `flags: ${wrong.map((flag) => `${flag} is ${flags.has(flag) ? "missing" : "set"}`).join(", ")}`;
  }
  if (want("question")) {
    const [asked] = message.questions;
    const { question } = entry;
    if (
      question !== undefined &&
      (asked === undefined ||
        keyOf(asked.name) !== keyOf(question.name) ||
        asked.type !== question.type)
    )
      return "the question is another";
  }
  const ede = entry.match.find((rule) => rule.startsWith("ede="))?.slice(4);
  if (strict && ede !== undefined) {
    const codes = edeCodes(message);
    if (ede === "any" ? codes.length === 0 : !codes.includes(Number(ede)))
      return `EDE is ${codes.join(" ") || "absent"}, not ${ede}`;
  }
  if (rules.has("ednsdata") && ednsData(message) !== (entry.ednsData ?? ""))
    return `EDNS data is ${ednsData(message) || "empty"}, not ${entry.ednsData ?? "empty"}`;
  const negative =
    rcode === RCODE.NXDOMAIN || (rcode === RCODE.NOERROR && entry.answer.length === 0);
  const ttl = rules.has("ttl");
  const sections = [
    ["answer", want("answer"), entry.answer, message.answers],
    [
      "authority",
      rules.has("authority") || (rules.has("all") && (strict || negative)),
      entry.authority,
      message.authority,
    ],
    [
      "additional",
      (strict || !rules.has("all")) && want("additional"),
      entry.additional,
      message.additional,
    ],
  ] as const;
  for (const [name, wanted, right, got] of sections) {
    const wrong = wanted ? sectionDifference(right, got, ttl) : undefined;
    if (wrong !== undefined) return `${name}: ${wrong}`;
  }
  return undefined;
}

function hasFlag(message: DnsMessage, flag: (typeof FLAGS)[number]): boolean {
  if (flag === "QR") return message.qr === 1;
  return message[flag.toLowerCase() as "aa" | "tc" | "rd" | "ra" | "ad" | "cd"];
}

function rcodeName(code: number): string {
  return Object.entries(RCODE).find(([, value]) => value === code)?.[0] ?? String(code);
}

function edeCodes(message: DnsMessage): number[] {
  return (message.edns?.options ?? [])
    .filter(({ code }) => code === 15)
    .map(({ data }) => Number.parseInt(data.slice(0, 4), 16));
}

function sectionDifference(
  right: readonly ResourceRecord[],
  got: readonly ResourceRecord[],
  ttl: boolean,
): string | undefined {
  const id = (record: ResourceRecord) => {
    const rdata = canonicalRdata(record.type, record.rdata);
    return `${keyOf(record.name)} ${ttl ? `${record.ttl} ` : ""}${record.type} ${hex(rdata, 0, rdata.length).toLowerCase()}`;
  };
  const have = new Set(got.map(id));
  const need = new Set(right.map(id));
  const missing = right.find((record) => !have.has(id(record)));
  if (missing !== undefined) return `lacks ${recordText(missing)}`;
  const extra = got.find((record) => !need.has(id(record)));
  return extra === undefined ? undefined : `has ${recordText(extra)}`;
}

/** A zone file as it was written: the same records, however they are set down. */
export function fileDifference(right: string, got: string | undefined): string | undefined {
  if (got === undefined) return "there is no such file";
  const records = (text: string) => [...readZone(`${text}\n`, { origin: "." })];
  try {
    const wrong = sectionDifference(records(right), records(got), true);
    return wrong === undefined ? undefined : `the file ${wrong}`;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return `the file is no zone: ${error.message}`;
  }
}

function recordText({ name, ttl, type, rdata }: ResourceRecord): string {
  return `${name} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`.slice(0, 160);
}

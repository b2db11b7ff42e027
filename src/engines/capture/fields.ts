/** Names of fields in records: `dns.rcode`, `answers.data` within a protocol, envelope keys, and aliases. */
import type { CaptureRecord } from "./record.ts";
import type { Schema } from "./schema.ts";
import { ENVELOPE, PROTOCOL_KEYS } from "./schema.ts";

export type FieldType = "string" | "number" | "boolean" | "address" | "any";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly description: string;
  /** For an alias: the field that it stands for. */
  readonly alias?: string;
  /** Protocols whose records have it; undefined: all. */
  readonly protocol?: string;
  /** All values of the field in a record, arrays flattened. */
  readonly values: (record: CaptureRecord) => readonly unknown[];
}

const NONE: readonly unknown[] = [];

function typeOf(schema: Schema): FieldType {
  if (schema.enum !== undefined) return typeof schema.enum[0] === "number" ? "number" : "string";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type === "boolean") return "boolean";
  return schema.type === "string" ? "string" : "any";
}

/** Walks `path` through objects and arrays. With `pairs`, [name, value] comes as "name: value". */
function collect(
  value: unknown,
  path: readonly string[],
  at: number,
  pairs: boolean,
  out: unknown[],
): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (pairs && Array.isArray(item)) out.push(`${String(item[0])}: ${String(item[1])}`);
      else collect(item, path, at, pairs, out);
    }
  } else if (at === path.length) {
    out.push(typeof value === "object" ? JSON.stringify(value) : value);
  } else if (typeof value === "object") {
    collect((value as Record<string, unknown>)[path[at] as string], path, at + 1, pairs, out);
  }
}

/** Lists of [name, value]. */
const PAIR_KEYS: ReadonlySet<string> = new Set(["headers", "trailers", "rtpmap"]);

function bodyField(protocol: string, path: readonly string[], schema: Schema): Field {
  const [key] = path as [string];
  return {
    name: `${protocol}.${path.join(".")}`,
    type: typeOf(schema),
    description: schema.description ?? "",
    protocol,
    values: (record) => {
      if (record.protocol !== protocol) return NONE;
      const value = record.body[key];
      if (value === undefined) return NONE;
      if (path.length === 1 && typeof value !== "object") return [value];
      const out: unknown[] = [];
      collect(value, path, 1, PAIR_KEYS.has(key), out);
      return out;
    },
  };
}

function addKeys(
  table: Map<string, Field>,
  protocol: string,
  path: readonly string[],
  schema: Schema,
): void {
  const inner = schema.type === "array" ? (schema.items ?? {}) : schema;
  if (inner.type === "object" && inner.properties !== undefined) {
    for (const [key, child] of Object.entries(inner.properties)) {
      addKeys(table, protocol, [...path, key], child);
    }
    return;
  }
  const leaf = inner.type === "array" ? { ...inner, type: "string" } : inner;
  const field = bodyField(protocol, path, { ...leaf, description: schema.description ?? "" });
  table.set(field.name, field);
}

function envelopeField(name: string, schema: Schema): Field {
  const type = name === "src" || name === "dst" ? "address" : typeOf(schema);
  const values = (record: CaptureRecord): readonly unknown[] => {
    const value = (record as unknown as Record<string, unknown>)[name];
    if (value === undefined) return type === "boolean" ? [false] : NONE;
    return [name === "time" ? Number(value) : value];
  };
  return { name, type, description: schema.description ?? "", values };
}

function only(transport: "tcp" | "udp", values: Field["values"]): Field["values"] {
  return (record) => (record.transport === transport ? values(record) : NONE);
}

const src = (r: CaptureRecord): readonly unknown[] => [r.src];
const dst = (r: CaptureRecord): readonly unknown[] => [r.dst];
const both = (r: CaptureRecord): readonly unknown[] => [r.src, r.dst];
const sport = (r: CaptureRecord): readonly unknown[] => [r.sport];
const dport = (r: CaptureRecord): readonly unknown[] => [r.dport];
const ports = (r: CaptureRecord): readonly unknown[] => [r.sport, r.dport];
const stream = (r: CaptureRecord): readonly unknown[] => [r.stream];

function extra(name: string, type: FieldType, description: string, values: Field["values"]): Field {
  return { name, type, description, values };
}

const EXTRA: readonly Field[] = [
  extra("ip.src", "address", "source address, IPv4 or IPv6", src),
  extra("ip.dst", "address", "destination address", dst),
  extra("ip.addr", "address", "either address", both),
  extra("issues.code", "string", "codes of issues", (r) => (r.issues ?? []).map((i) => i.code)),
  extra("tcp.srcport", "number", "source port of TCP", only("tcp", sport)),
  extra("tcp.dstport", "number", "destination port of TCP", only("tcp", dport)),
  extra("tcp.port", "number", "either port of TCP", only("tcp", ports)),
  extra("tcp.stream", "number", "number of the TCP flow", only("tcp", stream)),
  extra("udp.srcport", "number", "source port of UDP", only("udp", sport)),
  extra("udp.dstport", "number", "destination port of UDP", only("udp", dport)),
  extra("udp.port", "number", "either port of UDP", only("udp", ports)),
  extra("udp.stream", "number", "number of the UDP flow", only("udp", stream)),
  extra("port", "number", "either port", ports),
];

function dnsData(type: number): Field["values"] {
  return (record) => {
    const answers = record.protocol === "dns" ? record.body["answers"] : undefined;
    if (!Array.isArray(answers)) return NONE;
    return (answers as { type: number; data: string }[])
      .filter((rr) => rr.type === type)
      .map((rr) => rr.data);
  };
}

function firstQuestion(key: "name" | "type"): Field["values"] {
  return (record) => {
    const questions = record.protocol === "dns" ? record.body["questions"] : undefined;
    const first = Array.isArray(questions) ? (questions[0] as Record<string, unknown>) : undefined;
    return first === undefined ? NONE : [first[key]];
  };
}

function header(protocol: string, name: string): Field["values"] {
  return (record) => {
    const headers = record.protocol === protocol ? record.body["headers"] : undefined;
    if (!Array.isArray(headers)) return NONE;
    return (headers as [string, string][])
      .filter(([n]) => n.toLowerCase() === name)
      .map(([, v]) => v);
  };
}

/** Aliases that compute something. */
const COMPUTED: readonly Field[] = [
  extra("dns.qname", "string", "name of the first question", firstQuestion("name")),
  extra("dns.qtype", "number", "type of the first question", firstQuestion("type")),
  extra("dns.a", "address", "data of A answers", dnsData(1)),
  extra("dns.aaaa", "address", "data of AAAA answers", dnsData(28)),
  extra("dns.cname", "string", "data of CNAME answers", dnsData(5)),
  extra("dns.ns", "string", "data of NS answers", dnsData(2)),
  extra("dns.mx", "string", "data of MX answers", dnsData(15)),
  extra("dns.ptr", "string", "data of PTR answers", dnsData(12)),
  extra("dns.txt", "string", "data of TXT answers", dnsData(16)),
  extra("http.user_agent", "string", "User-Agent field", header("http", "user-agent")),
  extra("http.server", "string", "Server field", header("http", "server")),
  extra("http.referer", "string", "Referer field", header("http", "referer")),
  extra("http.cookie", "string", "Cookie fields", header("http", "cookie")),
  extra("http.set_cookie", "string", "Set-Cookie fields", header("http", "set-cookie")),
  extra("sip.user_agent", "string", "User-Agent field", header("sip", "user-agent")),
].map((field) => ({ ...field, protocol: field.name.slice(0, field.name.indexOf(".")) }));

/** Names that users of Wireshark know, and what they are here. */
const ALIASES: Readonly<Record<string, string>> = {
  "frame.number": "frame",
  "frame.time_epoch": "time",
  "ipv6.src": "ip.src",
  "ipv6.dst": "ip.dst",
  "ipv6.addr": "ip.addr",
  "dns.qry.name": "dns.qname",
  "dns.qry.type": "dns.qtype",
  "dns.flags.response": "dns.qr",
  "dns.flags.opcode": "dns.opcode",
  "dns.flags.rcode": "dns.rcode",
  "dns.resp.name": "dns.answers.name",
  "dns.resp.type": "dns.answers.type",
  "dns.resp.ttl": "dns.answers.ttl",
  "dns.time": "dns.latency",
  "http.request.method": "http.method",
  "http.request.uri": "http.uri",
  "http.request.version": "http.requestVersion",
  "http.response.code": "http.status",
  "http.response.phrase": "http.phrase",
  "http.response.version": "http.responseVersion",
  "http.content_type": "http.contentType",
  "http.content_length": "http.contentLength",
  "http.transfer_encoding": "http.transferEncoding",
  "http.content_encoding": "http.contentEncoding",
  "http.time": "http.latency",
  "sip.Method": "sip.method",
  "sip.Status-Code": "sip.status",
  "sip.Call-ID": "sip.callId",
  "sip.CSeq.seq": "sip.cseq",
  "sip.CSeq.method": "sip.cseqMethod",
  "sip.r-uri": "sip.ruri",
  "rtp.p_type": "rtp.pt",
  "stun.id": "stun.txid",
  "bittorrent.info_hash": "bittorrent.infoHash",
  "bittorrent.piece.index": "bittorrent.index",
  "bittorrent.piece.begin": "bittorrent.begin",
};

function build(): ReadonlyMap<string, Field> {
  const table = new Map<string, Field>();
  for (const [name, schema] of Object.entries(ENVELOPE)) {
    if (name !== "issues") table.set(name, envelopeField(name, schema));
  }
  for (const field of EXTRA) table.set(field.name, field);
  for (const [protocol, keys] of Object.entries(PROTOCOL_KEYS)) {
    for (const [key, schema] of Object.entries(keys)) addKeys(table, protocol, [key], schema);
  }
  for (const field of COMPUTED) table.set(field.name, field);
  for (const [alias, name] of Object.entries(ALIASES)) {
    const field = table.get(name);
    if (field !== undefined) table.set(alias, { ...field, name: alias, alias: name });
  }
  return table;
}

/** All fields by name, aliases included. */
export const FIELDS: ReadonlyMap<string, Field> = build();

/** The closest known names to a misspelt one, at most three. */
export function similarNames(name: string, known: Iterable<string>): string[] {
  const scored: [number, string][] = [];
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= Math.max(2, Math.floor(name.length / 4))) scored.push([distance, candidate]);
  }
  return scored
    .sort((a, b) => a[0] - b[0])
    .slice(0, 3)
    .map(([, candidate]) => candidate);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(
        Math.min(
          (previous[j] as number) + 1,
          (row[j - 1] as number) + 1,
          (previous[j - 1] as number) + same,
        ),
      );
    }
    previous = row;
  }
  return previous[b.length] as number;
}

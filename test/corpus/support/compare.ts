/** Records of ours beside messages of the reference: matched by identity, then field by field. */
import type { CaptureRecord } from "../../../src/engines/capture/record.ts";
import type { TruthMessage } from "./corpus.ts";

export interface Difference {
  readonly frame: number;
  readonly protocol: string;
  /** `missing`, `extra`, or the name of the field that differs. */
  readonly what: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

export interface Score {
  truth: number;
  ours: number;
  matched: number;
  fields: number;
  fieldsEqual: number;
}

type Body = Readonly<Record<string, unknown>>;
type Pair = readonly [field: string, ours: unknown, theirs: unknown];

/** Protocols of the reference that are compared, and their names here. */
const PROTOCOL: Readonly<Record<string, string>> = {
  dns: "dns",
  mdns: "mdns",
  llmnr: "llmnr",
  http: "http",
  sip: "sip",
  sdp: "sdp",
  rtp: "rtp",
  rtcp: "rtcp",
  bittorrent: "bittorrent",
  "bt-dht": "bt-dht",
  "bt-utp": "bt-utp",
  stun: "stun",
  classicstun: "stun",
};
const COMPARED = new Set(Object.values(PROTOCOL));

/** Not messages: continuations of bodies, and bytes that the reference could not frame. */
function counts(m: TruthMessage): boolean {
  if (PROTOCOL[m.proto] === undefined) return false;
  if ((m.proto === "http" || m.proto === "sip") && m["kind"] === "other") return false;
  // "Unknown RTP version": a datagram that is none.
  if (m.proto === "rtp" && m["ssrc"] === undefined) return false;
  return !(m.proto === "bittorrent" && m["msg"] === "data");
}

/** tshark shows the octets of labels as UTF-8, dots in them and all (RFC 1035 5.1 has escapes). */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const digits = /^\\([0-9]{3})/.exec(text.slice(i, i + 4));
    if (digits !== null) {
      octets.push(Number(digits[1]));
      i += 3;
    } else {
      if (text[i] === "\\") i++;
      octets.push(text.charCodeAt(i));
    }
  }
  return Buffer.from(octets).toString("utf8");
}

function name(text: unknown): string {
  const s = String(text);
  if (s === "<Root>") return "";
  return unescaped(s).replace(/\.$/, "").toLowerCase();
}

/** What makes a message the one that it is. */
function truthKey(m: TruthMessage): string {
  const p = PROTOCOL[m.proto] as string;
  switch (p) {
    case "dns":
    case "mdns":
    case "llmnr":
      return `${p} ${m["id"]} ${m["qr"]}`;
    case "http":
      return m["kind"] === "request" ? `http ${m["method"]} ${m["uri"]}` : `http ${m["status"]}`;
    case "sip":
      return `sip ${m["kind"]} ${m["kind"] === "request" ? m["method"] : m["status"]} ${m["call_id"]} ${m["cseq"]}`;
    case "rtp":
      return `rtp ${m["ssrc"]} ${m["seq"]}`;
    case "rtcp":
      return "rtcp";
    case "bittorrent":
      return `bittorrent ${m["msg"]} ${m["index"] ?? ""} ${m["begin"] ?? ""}`;
    case "bt-utp":
      return `bt-utp ${m["seq"]} ${m["ack"]}`;
    case "stun":
      return `stun ${m["txid"] ?? `channel ${m["channel"]}`}`;
    default:
      return p;
  }
}

function recordKey(r: CaptureRecord): string {
  const b: Body = r.body;
  switch (r.protocol) {
    case "dns":
    case "mdns":
    case "llmnr":
      return `${r.protocol} ${b["id"]} ${b["qr"]}`;
    case "http":
      return b["kind"] === "request" ? `http ${b["method"]} ${b["uri"]}` : `http ${b["status"]}`;
    case "sip":
      return `sip ${b["kind"]} ${b["kind"] === "request" ? b["method"] : b["status"]} ${b["callId"]} ${b["cseq"]}`;
    case "rtp":
      return `rtp ${b["ssrc"]} ${b["seq"]}`;
    case "rtcp":
      return "rtcp";
    case "bittorrent":
      return `bittorrent ${b["msg"]} ${b["index"] ?? ""} ${b["begin"] ?? ""}`;
    case "bt-utp":
      return `bt-utp ${b["seq"]} ${b["ack"]}`;
    case "stun":
      return `stun ${b["kind"] === "channel_data" ? `channel ${b["channel"]}` : b["txid"]}`;
    default:
      return r.protocol;
  }
}

interface Rr {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  readonly data: string;
}

/** tshark shows some rdata in fields that map one to one to presentation form. */
function rdataPairs(
  section: string,
  ours: readonly Rr[],
  theirs: readonly Record<string, unknown>[],
): Pair[] {
  const pairs: Pair[] = [];
  const real = theirs.filter((rr) => rr["type"] !== 41);
  pairs.push([`${section}.length`, ours.length, real.length]);
  real.forEach((rr, i) => {
    const mine = ours[i];
    if (mine === undefined) return;
    pairs.push(
      [`${section}.name`, name(mine.name), name(rr["name"])],
      [`${section}.type`, mine.type, rr["type"]],
    );
    if (rr["ttl"] !== null && rr["ttl"] !== undefined)
      pairs.push([`${section}.ttl`, mine.ttl, rr["ttl"]]);
    const fields = new Map((rr["rdata"] ?? []) as [string, string][]);
    const address = fields.get("dns.a") ?? fields.get("dns.aaaa");
    if (address !== undefined && (mine.type === 1 || mine.type === 28))
      pairs.push([`${section}.address`, mine.data, address]);
    const host =
      fields.get("dns.cname") ?? fields.get("dns.ns") ?? fields.get("dns.ptr.domain_name");
    if (host !== undefined && [5, 2, 12].includes(mine.type))
      pairs.push([`${section}.host`, name(mine.data), name(host)]);
    const exchange = fields.get("dns.mx.mail_exchange");
    if (exchange !== undefined)
      pairs.push([
        `${section}.mx`,
        name(mine.data),
        name(`${fields.get("dns.mx.preference")} ${exchange}`),
      ]);
    const target = fields.get("dns.srv.target");
    if (target !== undefined) {
      const want = `${fields.get("dns.srv.priority")} ${fields.get("dns.srv.weight")} ${fields.get("dns.srv.port")} ${target === "<Root>" ? "." : target}`;
      pairs.push([`${section}.srv`, name(mine.data), name(want)]);
    }
  });
  return pairs;
}

function dnsPairs(b: Body, m: TruthMessage): Pair[] {
  const pairs: Pair[] = [];
  for (const key of ["opcode", "tc", "rd", "qdcount", "ancount", "nscount", "arcount"])
    pairs.push([key, b[key], m[key]]);
  if (m["rcode"] !== undefined && m["rcode"] !== null)
    pairs.push(["rcode", (b["rcode"] as number) & 15, m["rcode"]]);
  if (b["qr"] === 1)
    pairs.push(["aa", b["aa"], m["aa"] ?? b["aa"]], ["ra", b["ra"], m["ra"] ?? b["ra"]]);
  const mine = (b["questions"] ?? []) as readonly { name: string; type: number }[];
  const theirs = (m["questions"] ?? []) as readonly { name: string; type: number }[];
  if (m.malformed !== true) {
    pairs.push([
      "questions",
      mine.map((q) => `${name(q.name)} ${q.type}`).join(),
      theirs.map((q) => `${name(q.name)} ${q.type}`).join(),
    ]);
    for (const section of ["answers", "authority", "additional"]) {
      if (m["opcode"] !== 0 || m[section] === undefined) continue;
      pairs.push(
        ...rdataPairs(section, (b[section] ?? []) as Rr[], m[section] as Record<string, unknown>[]),
      );
    }
    if (m["response_to"] !== undefined)
      pairs.push(["requestFrame", b["requestFrame"], m["response_to"]]);
  }
  return pairs;
}

function present(pairs: readonly Pair[]): Pair[] {
  return pairs.filter(([, , theirs]) => theirs !== undefined && theirs !== null);
}

function httpPairs(b: Body, m: TruthMessage): Pair[] {
  return present([
    ["requestVersion", b["requestVersion"], m["request_version"]],
    ["host", b["host"], m["host"]],
    ["responseVersion", b["responseVersion"], m["response_version"]],
    ["phrase", b["phrase"], m["phrase"]],
    ["contentType", b["contentType"], m["content_type"]],
    ["contentLength", b["contentLength"], m["content_length"]],
    ["transferEncoding", b["transferEncoding"], m["transfer_encoding"]],
    ["contentEncoding", b["contentEncoding"], m["content_encoding"]],
    ["location", b["location"], m["location"]],
    ["requestIn", b["requestIn"], m["request_in"]],
    [
      "headers",
      ((b["headers"] ?? []) as [string, string][]).map(([n]) => n.trim()).join(),
      ((m["header_names"] ?? []) as string[]).map((n) => n.trim()).join(),
    ],
  ]);
}

function sipPairs(b: Body, m: TruthMessage): Pair[] {
  const uri = (text: unknown) =>
    String(text ?? "")
      .replace(/^<|>$/g, "")
      .replace(/^sips?:|^tel:/, "")
      .split(/[;?]/)[0];
  return present([
    ["ruri", b["ruri"], m["ruri"]],
    ["cseqMethod", b["cseqMethod"], m["cseq_method"]],
    [
      "from",
      m["from"] === undefined ? undefined : uri(b["from"]),
      m["from"] === undefined ? undefined : uri(m["from"]),
    ],
    ["fromTag", b["fromTag"], m["from_tag"]],
    [
      "to",
      m["to"] === undefined ? undefined : uri(b["to"]),
      m["to"] === undefined ? undefined : uri(m["to"]),
    ],
    ["toTag", b["toTag"], m["to_tag"]],
    ["event", b["event"], m["event"]],
    ["contentType", b["contentType"], m["content_type"]],
    ["contentLength", b["contentLength"], m["content_length"]],
    ["expires", b["expires"], m["expires"]],
    [
      "viaBranches",
      ((b["viaBranches"] ?? []) as string[]).join(),
      m["via_branches"] === undefined ? undefined : (m["via_branches"] as string[]).join(),
    ],
  ]);
}

function sdpPairs(b: Body, m: TruthMessage): Pair[] {
  const media = (list: unknown) =>
    ((list ?? []) as { media: string; port: number; proto: string }[])
      .map((x) => `${x.media} ${x.port} ${x.proto}`)
      .join();
  return present([
    ["origin", b["origin"], m["owner"]],
    [
      "connections",
      ((b["connections"] ?? []) as string[]).join(),
      ((m["connections"] ?? []) as string[]).join(),
    ],
    ["media", media(b["media"]), media(m["media"])],
  ]);
}

function hex(text: unknown): string {
  return String(text).replaceAll(":", "").toLowerCase();
}

function pairsOf(r: CaptureRecord, m: TruthMessage): Pair[] {
  const b: Body = r.body;
  const frame: Pair = ["frame", r.frame, m.frame];
  switch (r.protocol) {
    case "dns":
    case "mdns":
    case "llmnr":
      return [frame, ...dnsPairs(b, m)];
    case "http":
      return [frame, ...httpPairs(b, m)];
    case "sip":
      return [frame, ...sipPairs(b, m)];
    case "sdp":
      return [frame, ...sdpPairs(b, m)];
    case "rtp":
      return [
        frame,
        ...present([
          ["timestamp", b["timestamp"], m["timestamp"]],
          ["pt", b["pt"], m["pt"]],
          ["marker", b["marker"], m["marker"]],
        ]),
      ];
    case "rtcp":
      return [frame, ...present([["pt", b["pt"], m["pt"]]])];
    case "bittorrent":
      return [
        frame,
        ...present([
          ["port", b["port"], m["port"]],
          [
            "infoHash",
            b["infoHash"],
            m["info_hash"] === undefined ? undefined : hex(m["info_hash"]),
          ],
        ]),
      ];
    case "bt-utp":
      return [
        frame,
        ...present([
          ["connectionId", b["connectionId"], m["connection_id"]],
          ["window", b["window"], m["window"]],
        ]),
      ];
    case "bt-dht":
      return [frame];
    case "stun":
      return [
        frame,
        ...present([
          ["type", b["type"], m["type"]],
          [
            "attributes",
            m["attributes"] === undefined
              ? undefined
              : ((b["attributes"] ?? []) as number[]).join(),
            m["attributes"] === undefined ? undefined : (m["attributes"] as number[]).join(),
          ],
        ]),
      ];
    default:
      return [frame];
  }
}

/** Compares all of one capture. Scores are added up per protocol. */
export function compareCapture(
  records: readonly CaptureRecord[],
  truth: readonly TruthMessage[],
  skip: (frame: number, protocol: string, what: string) => boolean,
  scores: Map<string, Score>,
): Difference[] {
  const differences: Difference[] = [];
  const waiting = new Map<string, CaptureRecord[]>();
  for (const record of records) {
    if (!COMPARED.has(record.protocol)) continue;
    const key = recordKey(record);
    const list = waiting.get(key);
    if (list === undefined) waiting.set(key, [record]);
    else list.push(record);
  }
  const scoreOf = (protocol: string): Score => {
    let score = scores.get(protocol);
    if (score === undefined) {
      score = { truth: 0, ours: 0, matched: 0, fields: 0, fieldsEqual: 0 };
      scores.set(protocol, score);
    }
    return score;
  };
  for (const message of truth) {
    if (!counts(message)) continue;
    const protocol = PROTOCOL[message.proto] as string;
    const score = scoreOf(protocol);
    const candidates = waiting.get(truthKey(message)) ?? [];
    let index = candidates.findIndex((r) => r.frame === message.frame);
    if (index < 0) index = candidates.length > 0 ? 0 : -1;
    if (index < 0) {
      if (skip(message.frame, protocol, "missing")) continue;
      score.truth++;
      differences.push({
        frame: message.frame,
        protocol,
        what: "missing",
        ours: undefined,
        theirs: truthKey(message),
      });
      continue;
    }
    const [record] = candidates.splice(index, 1) as [CaptureRecord];
    score.truth++;
    score.ours++;
    score.matched++;
    for (const [what, ours, theirs] of pairsOf(record, message)) {
      const equal = String(ours) === String(theirs);
      if (!equal && skip(message.frame, protocol, what)) continue;
      score.fields++;
      if (equal) score.fieldsEqual++;
      else differences.push({ frame: message.frame, protocol, what, ours, theirs });
    }
  }
  for (const list of waiting.values()) {
    for (const record of list) {
      if (skip(record.frame, record.protocol, "extra")) continue;
      scoreOf(record.protocol).ours++;
      differences.push({
        frame: record.frame,
        protocol: record.protocol,
        what: "extra",
        ours: recordKey(record),
        theirs: undefined,
      });
    }
  }
  return differences;
}

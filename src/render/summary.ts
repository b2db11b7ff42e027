/** One record in a few words: what a person reads first. */
import type { CaptureRecord } from "../engines/capture/record.ts";
import { RCODE_NAMES, TYPE_NAMES } from "./dns-names.ts";
import { safe } from "./safe.ts";

type Body = Readonly<Record<string, unknown>>;
type Summary = (body: Body, record: CaptureRecord) => string;

function text(value: unknown): string {
  return value === undefined ? "" : String(value);
}

function ms(seconds: unknown): string {
  if (typeof seconds !== "number") return "";
  const value = seconds * 1000;
  return ` (${value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)} ms)`;
}

interface Rr {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  readonly data: string;
}

function typeText(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

const dns: Summary = (b) => {
  const questions = (b["questions"] ?? []) as readonly { name: string; type: number }[];
  const asked = questions.map((q) => `${typeText(q.type)} ${q.name}`).join(", ");
  const opcode =
    b["opcode"] === 0 ? "" : ` ${OPCODES.get(b["opcode"] as number) ?? `opcode ${b["opcode"]}`}`;
  if (b["qr"] === 0) return `query${opcode} ${asked}`;
  const answers = (b["answers"] ?? []) as readonly Rr[];
  const rcode = RCODE_NAMES.get(b["rcode"] as number) ?? `rcode ${text(b["rcode"])}`;
  const shown = answers.slice(0, 3).map((rr) => `${typeText(rr.type)} ${rr.data}`);
  if (answers.length > 3) shown.push(`and ${answers.length - 3} more`);
  const result = shown.length > 0 ? shown.join(", ") : b["rcode"] === 0 ? "no answer" : "";
  return `${rcode}${opcode} ${asked}${result === "" ? "" : ` = ${result}`}${ms(b["latency"])}`;
};

const OPCODES: ReadonlyMap<number, string> = new Map([
  [1, "IQUERY"],
  [2, "STATUS"],
  [4, "NOTIFY"],
  [5, "UPDATE"],
  [6, "DSO"],
]);

const http: Summary = (b) => {
  const size = b["bodyBytes"] === undefined ? "" : ` ${text(b["bodyBytes"])} B`;
  if (b["kind"] === "request") {
    return `${text(b["method"])} ${text(b["host"])}${text(b["uri"])}${b["bodyBytes"] ? size : ""}`;
  }
  const words = [b["status"], b["phrase"], b["contentType"]]
    .map(text)
    .filter((word) => word !== "");
  return `${words.join(" ")}${size}${ms(b["latency"])}`;
};

const sip: Summary = (b) =>
  b["kind"] === "request"
    ? `${text(b["method"])} ${text(b["ruri"])} from ${text(b["from"])}`
    : `${text(b["status"])} ${text(b["reason"])} to ${text(b["cseqMethod"])}${ms(b["latency"])}`;

const sdp: Summary = (b) => {
  const media = (b["media"] ?? []) as readonly { media: string; port: number; proto: string }[];
  return media.map((m) => `${m.media} ${m.port} ${m.proto}`).join(", ");
};

const rtp: Summary = (b) =>
  `pt ${text(b["pt"])} seq ${text(b["seq"])} ts ${text(b["timestamp"])}${b["marker"] === true ? " M" : ""} ${text(b["payloadBytes"])} B`;

const stun: Summary = (b) =>
  b["kind"] === "channel_data"
    ? `channel ${text(b["channel"])}`
    : `${text(b["method"])} ${text(b["class"])}`;

const bittorrent: Summary = (b) => {
  const parts = [text(b["msg"])];
  if (b["index"] !== undefined) parts.push(`#${text(b["index"])}`);
  if (b["begin"] !== undefined) parts.push(`+${text(b["begin"])}`);
  if (b["length"] !== undefined) parts.push(`${text(b["length"])} B`);
  if (b["infoHash"] !== undefined) parts.push(text(b["infoHash"]));
  if (b["extension"] !== undefined) parts.push(text(b["extension"]));
  return parts.join(" ");
};

const dht: Summary = (b) =>
  b["y"] === "q"
    ? `query ${text(b["q"])}`
    : b["y"] === "r"
      ? "reply"
      : b["y"] === "e"
        ? "error"
        : text(b["y"]);

const SUMMARIES: Readonly<Record<string, Summary>> = {
  dns,
  mdns: dns,
  llmnr: dns,
  http,
  sip,
  sdp,
  rtp,
  srtcp: (b) => `encrypted, pt ${text(b["pt"])} ssrc ${text(b["ssrc"])}`,
  rtcp: (b) => `pt ${text(b["pt"])} ssrc ${text(b["ssrc"])}`,
  stun,
  bittorrent,
  "bt-dht": dht,
  "bt-utp": (b) => `${text(b["type"])} seq ${text(b["seq"])} ack ${text(b["ack"])}`,
  "bt-tracker": (b) => `${text(b["action"])} ${text(b["infoHash"])}`,
  tls: (b) =>
    [
      b["sni"],
      b["version"] === undefined ? undefined : `TLS ${text(b["version"])}`,
      b["alpn"] === undefined ? undefined : (b["alpn"] as string[]).join(","),
    ]
      .filter((part) => part !== undefined)
      .join(" "),
  gap: (b) => `${text(b["missingBytes"])} bytes are missing`,
  unknown: (_b, record) => `${record.bytes} bytes that no protocol was recognised in`,
};

export function summaryOf(record: CaptureRecord): string {
  const summary = SUMMARIES[record.protocol];
  return summary === undefined ? "" : safe(summary(record.body, record)).trim();
}

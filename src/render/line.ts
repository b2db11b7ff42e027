/** One record as one aligned line for people. */
import type { ChalkInstance } from "chalk";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { safe, shorten } from "./safe.ts";
import { summaryOf } from "./summary.ts";
import type { TimeFormatter } from "./time.ts";

const ENDPOINT_WIDTH = 21;
const PROTOCOL_WIDTH = 10;

export interface LineStyle {
  readonly color: ChalkInstance;
  readonly time: TimeFormatter;
  /** Columns of the terminal; 0 never cuts a line. */
  readonly width: number;
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export function renderLine(record: CaptureRecord, style: LineStyle): string {
  const { color } = style;
  const frame = String(record.frame).padStart(6);
  const time = style.time.format(record.time).padStart(12);
  const from = endpoint(record.src, record.sport).padStart(ENDPOINT_WIDTH);
  const to = endpoint(record.dst, record.dport).padEnd(ENDPOINT_WIDTH);
  const protocol = record.protocol.padEnd(PROTOCOL_WIDTH);
  const file = record.file === undefined ? "" : `${safe(record.file)}: `;
  const marks = marksOf(record);
  const head = `${file}${frame} ${time} ${from} > ${to} ${protocol} `;
  let summary = summaryOf(record);
  if (style.width > 0) {
    const room = style.width - head.length - marks.length;
    summary = shorten(summary, Math.max(20, room));
  }
  const painted = paint(record, color)(protocol);
  return `${file}${color.dim(frame)} ${color.dim(time)} ${from} ${color.dim(">")} ${to} ${painted} ${summary}${color.yellow(marks)}`;
}

function marksOf(record: CaptureRecord): string {
  const marks: string[] = [];
  if (record.inIcmp === true) marks.push("quoted by ICMP");
  if (record.malformed === true) marks.push("malformed");
  for (const issue of record.issues ?? []) marks.push(`${issue.code} at ${issue.offset}`);
  return marks.length === 0 ? "" : ` [${safe(marks.join("; "))}]`;
}

function paint(record: CaptureRecord, color: ChalkInstance): (text: string) => string {
  if (record.malformed === true) return color.red;
  switch (record.protocol) {
    case "gap":
    case "unknown":
      return color.yellow;
    case "dns":
    case "mdns":
    case "llmnr":
      return color.cyan;
    case "http":
      return color.green;
    case "sip":
    case "sdp":
      return color.magenta;
    default:
      return color.blue;
  }
}

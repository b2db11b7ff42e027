/** Where each part of a message stands in its bytes: the rows of the tree that `decode --verbose` prints. */
import { decode as decodeBencode } from "../codecs/bencode/decode.ts";
import type { BencodeNode } from "../codecs/bencode/node.ts";
import { className, typeName } from "../codecs/dns/constants.ts";
import { nameText } from "../codecs/dns/name.ts";
import type { DnsSink } from "../codecs/dns/parse.ts";
import { parse as parseDns } from "../codecs/dns/parse.ts";
import { rdataText } from "../codecs/dns/rdata-text.ts";
import { DecodeError } from "../codecs/errors.ts";
import { hex, latin1, strictUtf8 } from "../codecs/reader.ts";
import { ATTRIBUTES } from "../codecs/stun/constants.ts";

export interface LayoutRow {
  readonly offset: number;
  readonly depth: number;
  readonly text: string;
}

/** Rows of one message. */
const MAX_ROWS = 2000;

/** Undefined for protocols whose parts have no rows of their own. */
export function layoutOf(protocol: string, bytes: Uint8Array): LayoutRow[] | undefined {
  switch (protocol) {
    case "dns":
    case "mdns":
    case "llmnr":
      return dnsRows(bytes);
    case "http":
    case "sip":
    case "sdp":
      return lineRows(bytes);
    case "stun":
      return stunRows(bytes);
    case "rtp":
      return rtpRows(bytes);
    case "bt-dht":
      return bencodeRows(bytes, 0);
    default:
      return undefined;
  }
}

const SECTIONS = ["answer", "authority", "additional"];

function dnsRows(bytes: Uint8Array): LayoutRow[] {
  const rows: LayoutRow[] = [];
  const add = (offset: number, depth: number, text: string) =>
    void rows.push({ offset, depth, text });
  const sink: DnsSink = {
    header: (b) => {
      add(0, 0, `id ${u16(b, 0)}`);
      add(2, 0, `flags 0x${u16(b, 2).toString(16).padStart(4, "0")}`);
      ["questions", "answers", "authority", "additional"].forEach((name, i) => {
        add(4 + i * 2, 0, `${name} ${u16(b, 4 + i * 2)}`);
      });
    },
    question: (b, at, type, rdclass) =>
      add(at, 0, `question ${nameText(b, at, 0)} ${className(rdclass)} ${typeName(type)}`),
    record: (section, b, at, type, rdclass, ttl, from, to, valid) => {
      add(
        at,
        0,
        `${SECTIONS[section]} ${nameText(b, at, 0)} ${ttl} ${className(rdclass)} ${typeName(type)}`,
      );
      add(from, 1, rdataText(type, b, from, to, 0, valid));
    },
    opt: (b, udpSize, flags, from, to) => {
      add(
        from - 11,
        0,
        `OPT size ${udpSize} version ${(flags >>> 16) & 255}${(flags & 0x8000) !== 0 ? " do" : ""}`,
      );
      for (let i = from; to - i >= 4; i += 4 + u16(b, i + 2)) {
        add(i, 1, `option ${u16(b, i)} ${hex(b, i + 4, Math.min(to, i + 4 + u16(b, i + 2)))}`);
      }
    },
    issue: () => {},
    fault: () => {},
  };
  parseDns(bytes, 0, bytes.length, sink);
  return rows;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

/** Text line by line up to the blank line, then the size of the body. */
function lineRows(bytes: Uint8Array): LayoutRow[] {
  const rows: LayoutRow[] = [];
  let at = 0;
  while (at < bytes.length && rows.length < MAX_ROWS) {
    const lf = bytes.indexOf(0x0a, at);
    const stop = lf < 0 ? bytes.length : lf;
    const end = stop > at && bytes[stop - 1] === 0x0d ? stop - 1 : stop;
    if (end === at && rows.length > 0) {
      const body = bytes.length - stop - 1;
      if (body > 0) rows.push({ offset: stop + 1, depth: 0, text: `body of ${body} bytes` });
      break;
    }
    const text = strictUtf8(bytes, at, end) ?? latin1(bytes, at, end);
    rows.push({ offset: at, depth: rows.length === 0 ? 0 : 1, text });
    at = stop + 1;
  }
  return rows;
}

function stunRows(bytes: Uint8Array): LayoutRow[] {
  if (bytes.length < 20 || (bytes[0] as number) >= 0x40) {
    return [
      { offset: 0, depth: 0, text: `channel 0x${hex(bytes, 0, 2)}, ${bytes.length - 4} bytes` },
    ];
  }
  const rows: LayoutRow[] = [
    { offset: 0, depth: 0, text: `type 0x${hex(bytes, 0, 2)}` },
    { offset: 2, depth: 0, text: `length ${u16(bytes, 2)}` },
    { offset: 4, depth: 0, text: `cookie and transaction ${hex(bytes, 4, 20)}` },
  ];
  for (let at = 20; at + 4 <= bytes.length && rows.length < MAX_ROWS; ) {
    const type = u16(bytes, at);
    const size = u16(bytes, at + 2);
    const name = ATTRIBUTES.get(type)?.[0] ?? `0x${type.toString(16)}`;
    rows.push({
      offset: at,
      depth: 1,
      text: `${name} ${hex(bytes, at + 4, Math.min(bytes.length, at + 4 + size))}`,
    });
    at += 4 + size + (-size & 3);
  }
  return rows;
}

function rtpRows(bytes: Uint8Array): LayoutRow[] {
  if (bytes.length < 12) return [];
  const second = bytes[1] as number;
  const csrcs = (bytes[0] as number) & 15;
  return [
    {
      offset: 0,
      depth: 0,
      text: `version ${(bytes[0] as number) >> 6}, ${csrcs} contributing sources`,
    },
    { offset: 1, depth: 0, text: `payload type ${second & 127}${second >= 128 ? ", marker" : ""}` },
    { offset: 2, depth: 0, text: `sequence ${u16(bytes, 2)}` },
    { offset: 4, depth: 0, text: `timestamp ${u32(bytes, 4)}` },
    { offset: 8, depth: 0, text: `ssrc ${u32(bytes, 8)}` },
    {
      offset: 12 + csrcs * 4,
      depth: 0,
      text: `payload of ${Math.max(0, bytes.length - 12 - csrcs * 4)} bytes`,
    },
  ];
}

function bencodeRows(bytes: Uint8Array, depth: number): LayoutRow[] | undefined {
  try {
    const rows: LayoutRow[] = [];
    walk(decodeBencode(bytes, { tolerate: () => {} }), "", depth, rows);
    return rows;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined; // Malformed: the record's issues say where.
  }
}

function walk(node: BencodeNode, label: string, depth: number, rows: LayoutRow[]): void {
  if (rows.length >= MAX_ROWS) return;
  const text =
    node.kind === "integer"
      ? String(node.value)
      : node.kind === "string"
        ? octets(node.bytes)
        : node.kind;
  rows.push({ offset: node.start, depth, text: `${label}${text}` });
  if (node.kind === "list") for (const item of node.items) walk(item, "", depth + 1, rows);
  if (node.kind === "dict")
    for (const { key, value } of node.entries) walk(value, `${octets(key)}: `, depth + 1, rows);
}

function octets(bytes: Uint8Array): string {
  return strictUtf8(bytes, 0, bytes.length) ?? hex(bytes);
}

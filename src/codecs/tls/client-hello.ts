/** What a TLS client says in the clear: server name and application protocols. RFC 8446 4.1.2, RFC 6066 3, RFC 7301. */
import { latin1 } from "../reader.ts";

export interface TlsHello {
  /** Server name. */
  readonly sni?: string;
  /** Application protocols offered. */
  readonly alpn?: readonly string[];
  /** Highest version offered: "1.2", "1.3" ... */
  readonly version?: string;
}

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0300, "SSL 3.0"],
  [0x0301, "1.0"],
  [0x0302, "1.1"],
  [0x0303, "1.2"],
  [0x0304, "1.3"],
]);
/** Protocol names kept of one offer. */
const MAX_PROTOCOLS = 32;

/** "more": the hello goes on behind the bytes. Undefined: the bytes begin no client hello. */
export function clientHello(bytes: Uint8Array): TlsHello | "more" | undefined {
  if (bytes.length < 5) return "more";
  if (bytes[0] !== 22 || bytes[1] !== 3) return undefined;
  const handshake = joinRecords(bytes);
  if (handshake.length < 4) return "more";
  if (handshake[0] !== 1) return undefined;
  const length = ((handshake[1] as number) << 16) | u16(handshake, 2);
  if (handshake.length < 4 + length) return "more";
  return readHello(handshake, 4, 4 + length);
}

/** The bytes of the handshake records that follow one another (RFC 8446 5.1: messages may span records). */
function joinRecords(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22; ) {
    const end = at + 5 + u16(bytes, at + 3);
    const part = bytes.subarray(at + 5, Math.min(end, bytes.length));
    parts.push(part);
    size += part.length;
    at = end;
  }
  const joined = new Uint8Array(size);
  let to = 0;
  for (const part of parts) {
    joined.set(part, to);
    to += part.length;
  }
  return joined;
}

function readHello(b: Uint8Array, start: number, end: number): TlsHello | undefined {
  let at = start + 34;
  if (at >= end) return undefined;
  const legacy = u16(b, start);
  at += 1 + (b[at] as number);
  if (at + 2 > end) return undefined;
  at += 2 + u16(b, at);
  if (at + 1 > end) return undefined;
  at += 1 + (b[at] as number);
  const found: { sni?: string; alpn?: string[]; version?: string } = {};
  let version = legacy;
  const last = at + 2 <= end ? Math.min(end, at + 2 + u16(b, at)) : at;
  for (at += 2; at + 4 <= last; ) {
    const type = u16(b, at);
    const from = at + 4;
    const to = Math.min(last, from + u16(b, at + 2));
    if (type === 0 && to - from >= 5) {
      found.sni = latin1(b, from + 5, Math.min(to, from + 5 + u16(b, from + 3)));
    } else if (type === 16) {
      found.alpn = protocols(b, from + 2, to);
    } else if (type === 43) {
      for (let i = from + 1; i + 2 <= to; i += 2) {
        const offered = u16(b, i);
        if (offered <= 0x0304 && offered > version) version = offered; // Above: GREASE, RFC 8701.
      }
    }
    at = to;
    if (to === last) break;
  }
  const name = VERSIONS.get(version);
  if (name !== undefined) found.version = name;
  return found;
}

function protocols(b: Uint8Array, from: number, to: number): string[] {
  const names: string[] = [];
  for (let at = from; at < to && names.length < MAX_PROTOCOLS; ) {
    const end = Math.min(to, at + 1 + (b[at] as number));
    names.push(latin1(b, at + 1, end));
    at = end;
  }
  return names;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

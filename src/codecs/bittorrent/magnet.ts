/** Magnet links. BEP 9, 53; BEP 52 for btmh. */
import { DecodeError } from "../errors.ts";
import { hex } from "../reader.ts";

/** Ranges of `so=` kept: files are not listed one by one. */
const MAX_RANGES = 10_000;
const MAX_LINK_LENGTH = 1 << 20;

export interface Magnet {
  /** v1: 20 octets in hex. */
  readonly infoHash?: string;
  /** v2: 32 octets in hex. */
  readonly infoHashV2?: string;
  readonly name?: string;
  /** Octets. */
  readonly length?: number;
  readonly trackers: readonly string[];
  readonly webSeeds: readonly string[];
  /** `host:port`. */
  readonly peers: readonly string[];
  /** BEP 53: file indices as ranges, both ends included. */
  readonly selectOnly?: readonly (readonly [first: number, last: number])[];
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function fail(code: string, at: number, message: string, spec = "BEP 9"): never {
  throw new DecodeError(`magnet.${code}`, at, spec, message);
}

function base32(text: string): Uint8Array | undefined {
  const out = new Uint8Array(20);
  let bits = 0;
  let kept = 0;
  let n = 0;
  for (const c of text.toUpperCase()) {
    const digit = BASE32.indexOf(c);
    if (digit < 0) return undefined;
    kept = ((kept << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[n++] = (kept >> bits) & 255;
    }
  }
  return out;
}

/** @throws DecodeError, with the offset of the parameter in the link */
export function parseMagnet(link: string): Magnet {
  if (link.length > MAX_LINK_LENGTH) fail("too-long", 0, "a link of more than 1 MiB");
  if (!/^magnet:\?/i.test(link)) fail("scheme", 0, "no magnet link");
  const out: { -readonly [K in keyof Magnet]?: Magnet[K] } = {};
  const trackers: string[] = [];
  const webSeeds: string[] = [];
  const peers: string[] = [];
  let at = "magnet:?".length;
  for (const pair of link.slice(at).split("&")) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = decodeValue(equals < 0 ? "" : pair.slice(equals + 1), at);
    switch (name.replace(/\.[0-9]+$/, "")) {
      case "xt":
        topic(value, at, out);
        break;
      case "dn":
        out.name = value;
        break;
      case "xl":
        if (/^[0-9]{1,15}$/.test(value)) out.length = Number(value);
        break;
      case "tr":
        trackers.push(value);
        break;
      case "ws":
        webSeeds.push(value);
        break;
      case "x.pe":
        peers.push(value);
        break;
      case "so":
        out.selectOnly = ranges(value, at);
        break;
    }
    at += pair.length + 1;
  }
  if (out.infoHash === undefined && out.infoHashV2 === undefined)
    fail("topic", 0, "no btih or btmh topic");
  return { ...out, trackers, webSeeds, peers };
}

function decodeValue(text: string, at: number): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    fail("escape", at, "a wrong percent escape");
  }
}

function topic(value: string, at: number, out: { infoHash?: string; infoHashV2?: string }): void {
  const v1 = /^urn:btih:(.*)$/i.exec(value);
  if (v1 !== null) {
    const text = v1[1] as string;
    if (/^[0-9a-fA-F]{40}$/.test(text)) {
      out.infoHash = text.toLowerCase();
      return;
    }
    const bytes = text.length === 32 ? base32(text) : undefined;
    if (bytes === undefined) fail("btih", at, "an info hash is 40 hex or 32 base32 digits");
    out.infoHash = hex(bytes);
    return;
  }
  const v2 = /^urn:btmh:(.*)$/i.exec(value);
  if (v2 === null) return;
  // A multihash: 0x12 is SHA-256, 0x20 its length.
  if (!/^1220[0-9a-fA-F]{64}$/.test(v2[1] as string))
    fail("btmh", at, "not a SHA-256 multihash", "BEP 52");
  out.infoHashV2 = (v2[1] as string).slice(4).toLowerCase();
}

function ranges(value: string, at: number): [number, number][] {
  const parts = value.split(",");
  if (parts.length > MAX_RANGES) fail("so", at, `more than ${MAX_RANGES} ranges`, "BEP 53");
  return parts.map((part) => {
    const range = /^([0-9]{1,15})(?:-([0-9]{1,15}))?$/.exec(part);
    if (range === null) fail("so", at, "not indices and ranges", "BEP 53");
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    if (last < first) fail("so", at, "a range that ends before it begins", "BEP 53");
    return [first, last];
  });
}

export function formatMagnet(magnet: Magnet): string {
  const pairs: string[] = [];
  if (magnet.infoHash !== undefined) pairs.push(`xt=urn:btih:${magnet.infoHash}`);
  if (magnet.infoHashV2 !== undefined) pairs.push(`xt=urn:btmh:1220${magnet.infoHashV2}`);
  if (magnet.name !== undefined) pairs.push(`dn=${encodeURIComponent(magnet.name)}`);
  if (magnet.length !== undefined) pairs.push(`xl=${magnet.length}`);
  for (const tracker of magnet.trackers) pairs.push(`tr=${encodeURIComponent(tracker)}`);
  for (const seed of magnet.webSeeds) pairs.push(`ws=${encodeURIComponent(seed)}`);
  for (const peer of magnet.peers) pairs.push(`x.pe=${encodeURIComponent(peer)}`);
  if (magnet.selectOnly !== undefined) {
    pairs.push(`so=${magnet.selectOnly.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(",")}`);
  }
  return `magnet:?${pairs.join("&")}`;
}

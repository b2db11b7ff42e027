/** Transaction signatures with shared secrets. RFC 8945. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { keyBytes, nameKey, sameName } from "../../codecs/dns/canonical.ts";
import { CLASS, TYPE } from "../../codecs/dns/constants.ts";
import { nameText } from "../../codecs/dns/name.ts";
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse } from "../../codecs/dns/parse.ts";
import { fromBase64, Writer } from "../../codecs/writer.ts";

export interface TsigKey {
  readonly name: string;
  /** As on the wire, e.g. `hmac-sha256.`. */
  readonly algorithm: string;
  readonly secret: Uint8Array;
}

/** RFC 8945 6: those that must be there, and the two in use beside them. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ["hmac-sha1.", "sha1"],
  ["hmac-sha256.", "sha256"],
  ["hmac-sha384.", "sha384"],
  ["hmac-sha512.", "sha512"],
]);
/** RFC 8945 10: seconds that clocks may differ. */
const FUDGE = 300;

export const TSIG_ERROR = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18 } as const;

/** `[ALGORITHM:]NAME:BASE64`, hmac-sha256 where none is named; undefined when it is not that. */
export function parseTsigKey(text: string): TsigKey | undefined {
  const parts = text.split(":");
  const secret = fromBase64(parts.at(-1) ?? "");
  const algorithm = `${(parts.length === 3 ? parts[0] : "hmac-sha256")?.toLowerCase()}.`;
  const name = (parts.at(-2) ?? "").replace(/\.?$/, ".");
  if (parts.length < 2 || parts.length > 3 || secret === undefined || secret.length === 0)
    return undefined;
  return HASHES.has(algorithm) && name !== "." ? { name, algorithm, secret } : undefined;
}

/** A message with its TSIG taken off and its own id back. */
export interface SignedMessage {
  readonly message: Uint8Array;
  readonly keyName: string;
  readonly algorithm: string;
  readonly time: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly error: number;
}

class TsigPlace implements DnsSink {
  nameAt = -1;
  rdataAt = 0;
  header(): void {}
  question(): void {}
  opt(): void {}
  issue(): void {}
  fault(): void {
    this.nameAt = -1;
  }
  record(
    _section: number,
    _bytes: Uint8Array,
    nameAt: number,
    type: number,
    _rdclass: number,
    _ttl: number,
    rdataAt: number,
    _rdataEnd: number,
    valid: boolean,
  ): void {
    this.nameAt = type === TYPE.TSIG && valid ? nameAt : -1;
    this.rdataAt = rdataAt;
  }
}

/** Undefined when the last record is no TSIG that can be read. */
export function splitTsig(bytes: Uint8Array): SignedMessage | undefined {
  const place = new TsigPlace();
  parse(bytes, 0, bytes.length, place);
  if (place.nameAt < 0) return undefined;
  const u16 = (at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  let i = place.rdataAt;
  while (bytes[i] !== 0 && (bytes[i] as number) < 192) i += 1 + (bytes[i] as number);
  i += bytes[i] === 0 ? 1 : 2;
  const macLength = u16(i + 8);
  const after = i + 10 + macLength;
  const message = bytes.slice(0, place.nameAt);
  message[0] = bytes[after] as number;
  message[1] = bytes[after + 1] as number;
  const count = u16(10) - 1;
  message[10] = count >> 8;
  message[11] = count & 0xff;
  return {
    message,
    keyName: nameText(bytes, place.nameAt, 0),
    algorithm: nameText(bytes, place.rdataAt, 0).toLowerCase(),
    time: u16(i) * 2 ** 32 + u16(i + 2) * 65_536 + u16(i + 4),
    fudge: u16(i + 6),
    mac: bytes.slice(i + 10, after),
    error: u16(after + 2),
  };
}

function writeTime(writer: Writer, seconds: number): void {
  writer.u16(Math.floor(seconds / 2 ** 32));
  writer.u32(seconds % 2 ** 32);
}

function macOf(
  message: Uint8Array,
  key: TsigKey,
  time: number,
  fudge: number,
  error: number,
  other: Uint8Array,
  prior: Uint8Array | undefined,
  timersOnly: boolean,
): Uint8Array {
  const head = new Writer(80);
  if (prior !== undefined) {
    head.u16(prior.length);
    head.bytes(prior);
  }
  const tail = new Writer(300);
  if (!timersOnly) {
    tail.bytes(keyBytes(nameKey(key.name)));
    tail.u16(CLASS.ANY);
    tail.u32(0);
    tail.bytes(keyBytes(nameKey(key.algorithm)));
  }
  writeTime(tail, time);
  tail.u16(fudge);
  if (!timersOnly) {
    tail.u16(error);
    tail.u16(other.length);
    tail.bytes(other);
  }
  return createHmac(HASHES.get(key.algorithm) as string, key.secret)
    .update(head.finish())
    .update(message)
    .update(tail.finish())
    .digest();
}

export interface TsigOptions {
  /** The request's MAC for an answer, that of the message before in a transfer. RFC 8945 4.3, 5.3.1. */
  readonly prior?: Uint8Array | undefined;
  /** All messages of a transfer but the first. */
  readonly timersOnly?: boolean;
  readonly error?: number;
}

/** The message with a TSIG; `mac` is wanted for the next. */
export function signTsig(
  message: Uint8Array,
  key: TsigKey,
  seconds: number,
  options: TsigOptions = {},
): { bytes: Uint8Array; mac: Uint8Array } {
  const { prior, timersOnly = false, error = TSIG_ERROR.NONE } = options;
  const other = new Writer(6);
  // RFC 8945 5.2.3: the server's time, for a client whose clock is wrong.
  if (error === TSIG_ERROR.BADTIME) writeTime(other, seconds);
  const otherBytes = other.finish();
  // RFC 8945 5.3.2: what could not be checked is not signed.
  const unsigned = error === TSIG_ERROR.BADKEY || error === TSIG_ERROR.BADSIG;
  const mac = unsigned
    ? new Uint8Array(0)
    : macOf(message, key, seconds, FUDGE, error, otherBytes, prior, timersOnly);
  const out = new Writer(message.length + 200);
  out.bytes(message);
  out.patchU16(10, (((message[10] as number) << 8) | (message[11] as number)) + 1);
  out.bytes(keyBytes(nameKey(key.name)));
  out.u16(TYPE.TSIG);
  out.u16(CLASS.ANY);
  out.u32(0);
  const lengthAt = out.at;
  out.u16(0);
  out.bytes(keyBytes(nameKey(key.algorithm)));
  writeTime(out, seconds);
  out.u16(FUDGE);
  out.u16(mac.length);
  out.bytes(mac);
  out.u16(((message[0] as number) << 8) | (message[1] as number));
  out.u16(error);
  out.u16(otherBytes.length);
  out.bytes(otherBytes);
  out.patchU16(lengthAt, out.at - lengthAt - 2);
  return { bytes: out.finish(), mac };
}

/** The TSIG error of a message, in the order of RFC 8945 5.2. */
export function checkTsig(
  signed: SignedMessage,
  key: TsigKey | undefined,
  seconds: number,
  options: TsigOptions = {},
): number {
  if (
    key === undefined ||
    signed.algorithm !== key.algorithm ||
    !sameName(signed.keyName, key.name)
  )
    return TSIG_ERROR.BADKEY;
  const { message, time, fudge, error } = signed;
  const other = new Uint8Array(0);
  const { prior, timersOnly = false } = options;
  const mac = macOf(message, key, time, fudge, error, other, prior, timersOnly);
  // RFC 8945 5.2.2.1: shorter MACs are allowed by policy only, and ours has none.
  if (mac.length !== signed.mac.length || !timingSafeEqual(mac, signed.mac))
    return TSIG_ERROR.BADSIG;
  return Math.abs(seconds - time) > fudge ? TSIG_ERROR.BADTIME : TSIG_ERROR.NONE;
}

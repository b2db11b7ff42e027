/** Keys and digests of DNSSEC. RFC 4034 5, appendix B; RFC 3110, 4509, 6605, 8080. */
import type { KeyObject } from "node:crypto";
import { createHash, createPublicKey } from "node:crypto";
import type { Rdata, RdataOf } from "../../../codecs/dns/index.ts";
import { rdataBytes, TYPE } from "../../../codecs/dns/index.ts";
import { fromBase64, fromHex, toBase64, Writer } from "../../../codecs/writer.ts";
import { writeCanonicalName } from "./canonical.ts";

export type Dnskey = RdataOf<typeof TYPE.DNSKEY>;
export type Ds = RdataOf<typeof TYPE.DS>;

/** IANA "DNS Security Algorithm Numbers". */
export const ALGORITHM = {
  RSAMD5: 1,
  DSA: 3,
  RSASHA1: 5,
  DSA_NSEC3: 6,
  RSASHA1_NSEC3: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  ECDSAP256: 13,
  ECDSAP384: 14,
  ED25519: 15,
  ED448: 16,
} as const;

export const DIGEST = { SHA1: 1, SHA256: 2, SHA384: 4 } as const;

/** Flags of DNSKEY: RFC 4034 2.1.1, RFC 5011 2.1. */
export const KEY_FLAG = { ZONE: 0x0100, REVOKED: 0x0080, SEP: 0x0001 } as const;

/** Which algorithms count. A zone that is signed with none of them is insecure (RFC 4035 5.2). */
export interface Algorithms {
  signature(algorithm: number): boolean;
  digest(type: number): boolean;
}

const CURRENT: ReadonlySet<number> = new Set([8, 10, 13, 14, 15, 16]);
/** DSA and those with SHA-1, which nobody should sign with any more (RFC 8624 3.1, RFC 9905). */
const OLD: ReadonlySet<number> = new Set([3, 5, 6, 7]);

/** `old`: for tests with recorded zones. */
export function algorithms(old = false): Algorithms {
  return {
    signature: (algorithm) => CURRENT.has(algorithm) || (old && OLD.has(algorithm)),
    digest: (type) => type === DIGEST.SHA1 || type === DIGEST.SHA256 || type === DIGEST.SHA384,
  };
}

/** RFC 4034 appendix B. */
export function keyTag(key: Rdata): number {
  const bytes = rdataBytes(TYPE.DNSKEY, key);
  // Appendix B.1: for RSA/MD5 it is part of the modulus.
  if ((key as Dnskey).algorithm === ALGORITHM.RSAMD5)
    return ((bytes[bytes.length - 3] ?? 0) << 8) | (bytes[bytes.length - 2] ?? 0);
  let sum = 0;
  for (let i = 0; i < bytes.length; i++)
    sum += (i & 1) === 1 ? (bytes[i] as number) : (bytes[i] as number) << 8;
  return (sum + ((sum >>> 16) & 0xffff)) & 0xffff;
}

const HASHES: Readonly<Record<number, string>> = { 1: "sha1", 2: "sha256", 4: "sha384" };

/** RFC 4034 5.1.4: the digest over owner and key. Undefined for an unknown type. */
export function dsDigest(owner: string, key: Rdata, digestType: number): Uint8Array | undefined {
  const hash = HASHES[digestType];
  if (hash === undefined) return undefined;
  const writer = new Writer(512);
  writeCanonicalName(writer, owner);
  writer.bytes(rdataBytes(TYPE.DNSKEY, key));
  return new Uint8Array(createHash(hash).update(writer.finish()).digest());
}

/** Whether `ds` is of `key`. Its tag and algorithm were compared before. */
export function dsMatches(owner: string, key: Rdata, ds: Ds): boolean {
  const digest = dsDigest(owner, key, ds.digestType);
  const wanted = fromHex(ds.digest);
  if (digest === undefined || wanted === undefined || wanted.length !== digest.length) return false;
  return digest.every((octet, i) => octet === wanted[i]);
}

/** A DS record for a key, e.g. to print or to trust. */
export function dsOf(owner: string, key: Dnskey, digestType: number): Ds | undefined {
  const digest = dsDigest(owner, key, digestType);
  if (digest === undefined) return undefined;
  return {
    keyTag: keyTag(key),
    algorithm: key.algorithm,
    digestType,
    digest: Array.from(digest, (octet) => octet.toString(16).padStart(2, "0")).join(""),
  };
}

const base64url = (bytes: Uint8Array): string =>
  toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Undefined when the octets are no key of the algorithm. */
export function publicKey(key: Dnskey): KeyObject | undefined {
  const bytes = fromBase64(key.publicKey);
  if (bytes === undefined) return undefined;
  try {
    switch (key.algorithm) {
      case ALGORITHM.RSASHA1:
      case ALGORITHM.RSASHA1_NSEC3:
      case ALGORITHM.RSASHA256:
      case ALGORITHM.RSASHA512:
        return rsaKey(bytes);
      case ALGORITHM.ECDSAP256:
        return curveKey("EC", "P-256", bytes, 32);
      case ALGORITHM.ECDSAP384:
        return curveKey("EC", "P-384", bytes, 48);
      case ALGORITHM.ED25519:
        return curveKey("OKP", "Ed25519", bytes, 32);
      case ALGORITHM.ED448:
        return curveKey("OKP", "Ed448", bytes, 57);
      case ALGORITHM.DSA:
      case ALGORITHM.DSA_NSEC3:
        return dsaKey(bytes);
      default:
        return undefined;
    }
  } catch {
    // node:crypto refuses what is no point on the curve, or no number.
    return undefined;
  }
}

/** RFC 8624 and the signers in use: larger ones cost a verifier too much. */
const MAX_RSA_OCTETS = 512;

/** RFC 3110 2: exponent length, exponent, modulus. */
function rsaKey(bytes: Uint8Array): KeyObject | undefined {
  const short = bytes[0] as number;
  const from = short === 0 ? 3 : 1;
  const length = short === 0 ? ((bytes[1] as number) << 8) | (bytes[2] as number) : short;
  const modulus = bytes.subarray(from + length);
  if (length === 0 || length > 8 || modulus.length < 64 || modulus.length > MAX_RSA_OCTETS + 1)
    return undefined;
  return createPublicKey({
    key: { kty: "RSA", n: base64url(modulus), e: base64url(bytes.subarray(from, from + length)) },
    format: "jwk",
  });
}

/** RFC 6605 4, RFC 8080 3. */
function curveKey(
  kty: "EC" | "OKP",
  crv: string,
  bytes: Uint8Array,
  size: number,
): KeyObject | undefined {
  if (bytes.length !== (kty === "EC" ? size * 2 : size)) return undefined;
  const x = base64url(bytes.subarray(0, size));
  const key = kty === "EC" ? { kty, crv, x, y: base64url(bytes.subarray(size)) } : { kty, crv, x };
  return createPublicKey({ key, format: "jwk" });
}

/** RFC 2536 2: T, Q, P, G, Y; as a SubjectPublicKeyInfo of RFC 3279 2.3.2. */
function dsaKey(bytes: Uint8Array): KeyObject | undefined {
  const size = 64 + (bytes[0] as number) * 8;
  if (bytes.length !== 21 + size * 3) return undefined;
  const part = (n: number) => derInteger(bytes.subarray(21 + size * n, 21 + size * (n + 1)));
  const parameters = der(0x30, part(0), derInteger(bytes.subarray(1, 21)), part(1));
  const algorithm = der(0x30, [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], parameters);
  const spki = der(0x30, algorithm, der(0x03, [0], part(2)));
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

function der(tag: number, ...parts: readonly (readonly number[])[]): number[] {
  const body = parts.flat();
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return [tag, ...length, ...body];
}

/** A positive integer: no zeros ahead but one before a set top bit. */
export function derInteger(bytes: Uint8Array): number[] {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = Array.from(bytes.subarray(from));
  return der(0x02, (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits);
}

/** A DSA signature (T, R, S of RFC 2536 3, or DER as older signers wrote it) as DER. */
export function dsaSignature(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 41) return bytes;
  return Uint8Array.from(
    der(0x30, derInteger(bytes.subarray(1, 21)), derInteger(bytes.subarray(21))),
  );
}

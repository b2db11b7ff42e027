/** The FINGERPRINT attribute: a CRC that tells STUN from what shares its port. RFC 8489 14.7. */

/** ITU-T V.42, polynomial 0x04c11db7 reflected. */
const TABLE = new Int32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  TABLE[n] = c;
}

export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let c = -1;
  for (let i = start; i < end; i++) {
    c = (TABLE[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  }
  return (c ^ -1) >>> 0;
}

/**
 * The value that a FINGERPRINT attribute at `at` must have: the CRC of all before it, exclusive-or
 * "STUN". The length field of the header must count the attribute already.
 */
export function fingerprintOf(bytes: Uint8Array, at: number): number {
  return (crc32(bytes, 0, at) ^ 0x5354554e) >>> 0;
}

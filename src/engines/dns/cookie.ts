/** Server cookies that any server with the secret makes and checks alike. RFC 7873, RFC 9018. */

/** SipHash-2-4 of 64 bits, as eight octets (little endian), over words of 32 bits. RFC 9018 4.4. */
export function sipHash(key: Uint8Array, data: Uint8Array): Uint8Array {
  const k = new DataView(key.buffer, key.byteOffset, 16);
  const k0 = k.getBigUint64(0, true);
  const k1 = k.getBigUint64(8, true);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const wrap = (x: bigint) => BigInt.asUintN(64, x);
  const rotate = (x: bigint, n: bigint) => wrap((x << n) | (x >> (64n - n)));
  const round = () => {
    v0 = wrap(v0 + v1);
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = wrap(v2 + v3);
    v3 = rotate(v3, 16n) ^ v2;
    v0 = wrap(v0 + v3);
    v3 = rotate(v3, 21n) ^ v0;
    v2 = wrap(v2 + v1);
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const padded = new Uint8Array((Math.floor(data.length / 8) + 1) * 8);
  padded.set(data);
  padded[padded.length - 1] = data.length & 0xff;
  const words = new DataView(padded.buffer);
  for (let i = 0; i < padded.length; i += 8) {
    const m = words.getBigUint64(i, true);
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let n = 0; n < 4; n++) round();
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, v0 ^ v1 ^ v2 ^ v3, true);
  return out;
}

/** The client's cookie, version 1, the time in seconds and the hash over these and the address. RFC 9018 4. */
export function serverCookie(
  secret: Uint8Array,
  clientCookie: Uint8Array,
  addr: Uint8Array,
  seconds: number,
): Uint8Array {
  const head = new Uint8Array(16 + addr.length);
  head.set(clientCookie);
  head[8] = 1;
  new DataView(head.buffer).setUint32(12, seconds >>> 0);
  head.set(addr, 16);
  const cookie = new Uint8Array(24);
  cookie.set(head.subarray(0, 16));
  cookie.set(sipHash(secret, head), 16);
  return cookie;
}

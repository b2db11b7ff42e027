/** Whether a DTLS hello speaks of keys for SRTP: the use_srtp extension. RFC 5764 4.1, RFC 6347 4.2.2. */

const RECORD_HEADER_BYTES = 13;
const HANDSHAKE_HEADER_BYTES = 12;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const USE_SRTP = 14;

/** `bytes[start, end)`: a datagram that begins with a DTLS record. A hello cut by fragments counts as far as it goes. */
export function offersSrtp(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] !== HANDSHAKE) return false;
  const body = start + RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES;
  const kind = bytes[start + RECORD_HEADER_BYTES];
  if (body >= end || (kind !== CLIENT_HELLO && kind !== SERVER_HELLO)) return false;
  const u8 = (at: number) => (at < end ? (bytes[at] as number) : 0);
  const u16 = (at: number) => (u8(at) << 8) | u8(at + 1);
  // version, random, session id
  let at = body + 34;
  at += 1 + u8(at);
  if (kind === CLIENT_HELLO) {
    at += 1 + u8(at); // cookie
    at += 2 + u16(at); // cipher suites
    at += 1 + u8(at); // compression methods
  } else {
    at += 3; // cipher suite, compression method
  }
  const last = Math.min(end, at + 2 + u16(at));
  for (at += 2; at + 4 <= last; at += 4 + u16(at + 2)) {
    if (u16(at) === USE_SRTP) return true;
  }
  return false;
}

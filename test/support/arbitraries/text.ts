/** HTTP, SIP and SDP messages that strict decoding takes back unchanged. */
import fc from "fast-check";
import type { HttpMessage } from "../../../src/codecs/http/message.ts";
import type { SessionDescription } from "../../../src/codecs/sdp/message.ts";
import type { SipMessage } from "../../../src/codecs/sip/message.ts";

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
const value = fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\x20-\x7e\t]{0,20}[\x21-\x7e])?)?$/);
const body = fc.uint8Array({ maxLength: 60 });
const fields = fc.array(
  fc.record({
    name: token.filter(
      (n) => !/^(host|content-length|transfer-encoding|connection|upgrade)$/i.test(n),
    ),
    value,
  }),
  { maxLength: 4 },
);

/** Splits a body into chunks of random sizes, the one of size 0 last. */
function layout(
  bytes: Uint8Array,
  sizes: readonly number[],
): { size: number; extensions: string }[] {
  const chunks: { size: number; extensions: string }[] = [];
  let left = bytes.length;
  for (const wanted of sizes) {
    const size = Math.min(wanted, left);
    if (size > 0) chunks.push({ size, extensions: size % 3 === 0 ? ";a=b" : "" });
    left -= size;
  }
  if (left > 0) chunks.push({ size: left, extensions: "" });
  return [...chunks, { size: 0, extensions: "" }];
}

export const httpMessage: fc.Arbitrary<HttpMessage> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom("GET", "POST", "PUT", "X-1"),
    fc.constantFrom("/", "/a?b=c", "http://a/b", "/%20;x"),
    fields,
    body,
    fc.option(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 })),
    fields,
    value,
    fc.constantFrom(200, 404, 500),
  )
  .map(
    ([
      isRequest,
      method,
      requestTarget,
      extra,
      bytes,
      sizes,
      trailers,
      reasonPhrase,
      statusCode,
    ]) => {
      const framing =
        sizes === null
          ? { name: "Content-Length", value: String(bytes.length) }
          : { name: "Transfer-Encoding", value: "chunked" };
      const host = isRequest ? [{ name: "Host", value: "a" }] : [];
      const shared = {
        version: "HTTP/1.1",
        fields: [...host, ...extra, framing],
        body: bytes,
        ...(sizes === null ? {} : { chunks: layout(bytes, sizes) }),
        trailers: sizes === null ? [] : trailers,
      };
      return isRequest
        ? { kind: "request", method, requestTarget, ...shared }
        : { kind: "response", statusCode, reasonPhrase, ...shared };
    },
  );

const uri = fc.constantFrom(
  "sip:a@example.com",
  "sips:b@[2001:db8::1]:5061;lr",
  "tel:+1-201-555-0123",
  "sip:user;par=u%40x@example.net",
  "sip:example.com;transport=tcp",
);
const address = fc
  .tuple(
    fc.option(fc.constantFrom("Bob ", '"B \\"x\\" <y>" ')),
    uri,
    fc.constantFrom("", ";tag=1", ";tag=a;q=0.5"),
  )
  .map(([name, u, params]) => `${name ?? ""}<${u}>${params}`);

export const sipMessage: fc.Arbitrary<SipMessage> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom("INVITE", "OPTIONS", "X.y"),
    uri,
    address,
    address,
    fc.array(address, { maxLength: 2 }),
    body,
    fc.constantFrom(100, 200, 486),
    fc.constantFrom("", "OK", "Привет"),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  )
  .map(
    ([isRequest, method, requestUri, from, to, contacts, bytes, statusCode, reasonPhrase, seq]) => {
      const shared = {
        version: "SIP/2.0",
        fields: [
          {
            name: "Via",
            value:
              "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1, SIP/2.0/TCP [2001:db8::2];branch=z9hG4bK2",
          },
          { name: "f", value: from },
          { name: "To", value: to },
          { name: "Call-ID", value: "a.b@c" },
          { name: "CSeq", value: `${seq} ${method}` },
          ...contacts.map((contact) => ({ name: "Contact", value: contact })),
          { name: "l", value: String(bytes.length) },
        ],
        body: bytes,
      };
      return isRequest
        ? { kind: "request", method, requestUri, ...shared }
        : { kind: "response", statusCode, reasonPhrase, ...shared };
    },
  );

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const connection = fc.record({
  netType: fc.constant("IN"),
  addrType: fc.constantFrom("IP4", "IP6"),
  address: fc.constantFrom("192.0.2.1", "2001:db8::1", "224.2.36.42/127"),
});
const attribute = fc.oneof(
  fc.record({ name: word }),
  fc.record({ name: word, value: fc.stringMatching(/^[ -~]{0,12}$/) }),
);
const bandwidth = fc.record({ type: fc.constantFrom("AS", "CT"), bandwidth: fc.nat() });

export const session: fc.Arbitrary<SessionDescription> = fc
  .tuple(
    fc.record({
      username: word,
      sessionId: fc.stringMatching(/^[0-9]{1,20}$/),
      sessionVersion: fc.stringMatching(/^[0-9]{1,20}$/),
      netType: fc.constant("IN"),
      addrType: fc.constant("IP4"),
      address: fc.constant("192.0.2.1"),
    }),
    fc.stringMatching(/^[!-~]{1,12}$/),
    connection,
    fc.array(
      fc.record({
        start: fc.constant("0"),
        stop: fc.constantFrom("0", "3034423619"),
        repeats: fc.constantFrom([], ["7d 1h 0 25h"]),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    fc.array(attribute, { maxLength: 3 }),
    fc.array(bandwidth, { maxLength: 2 }),
    fc.array(
      fc.tuple(
        fc.constantFrom("audio", "video"),
        fc.integer({ min: 0, max: 65_535 }),
        fc.constantFrom("RTP/AVP", "udp"),
        fc.array(word, { minLength: 1, maxLength: 3 }),
        fc.array(connection, { maxLength: 1 }),
        fc.array(attribute, { maxLength: 2 }),
      ),
      { maxLength: 2 },
    ),
  )
  .map(([origin, name, c, timings, attributes, bandwidths, media]) => ({
    origin,
    name,
    emails: [],
    phones: [],
    connection: c,
    bandwidths,
    timings,
    attributes,
    media: media.map(([kind, port, proto, formats, connections, list]) => ({
      media: kind,
      port,
      proto,
      formats,
      connections,
      bandwidths: [],
      attributes: list,
    })),
  }));

/** DNS messages that strict decoding takes back unchanged. */
import fc from "fast-check";
import type { DnsMessage, Rdata, ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { rdataBytes, rdataFromBytes } from "../../../src/codecs/dns/rdata.ts";
import type { FieldKind, FieldSpec } from "../../../src/codecs/dns/rdata-table.ts";
import { RDATA } from "../../../src/codecs/dns/rdata-table.ts";
import { formatIpv4, formatIpv6 } from "../../../src/codecs/ip-text.ts";
import { hex } from "../../../src/codecs/reader.ts";
import { toBase64 } from "../../../src/codecs/writer.ts";

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const octets = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max });
const latin = (max: number, min = 0) => octets(max, min).map((b) => String.fromCharCode(...b));

/** Presentation form of any octets. */
const label = octets(12, 1).map((b) =>
  [...b]
    .map((c) =>
      c > 0x20 && c < 0x7f && !'."\\;()@$'.includes(String.fromCharCode(c))
        ? String.fromCharCode(c)
        : c > 0x20 && c < 0x7f
          ? `\\${String.fromCharCode(c)}`
          : `\\${String(c).padStart(3, "0")}`,
    )
    .join(""),
);
export const dnsName = fc.oneof(
  fc.constant("."),
  fc
    .array(fc.oneof(fc.constantFrom("example", "com", "a", "WWW"), label), {
      minLength: 1,
      maxLength: 5,
    })
    .map((l) => `${l.join(".")}.`),
);

const VALUES: Readonly<Record<FieldKind, fc.Arbitrary<unknown>>> = {
  u8,
  u16,
  u32,
  u48: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  ipv4: octets(4, 4).map((b) => formatIpv4(b)),
  ipv6: octets(16, 16).map((b) => formatIpv6(b)),
  name: dnsName,
  string: latin(20),
  word: fc.stringMatching(/^[a-z0-9]{1,8}$/),
  strings: fc.array(latin(20), { minLength: 1, maxLength: 3 }),
  rest: latin(20),
  hex: octets(20).map((b) => hex(b)),
  base64: octets(20).map((b) => toBase64(b)),
  blob: octets(20).map((b) => toBase64(b)),
  type: u16,
  types: fc.uniqueArray(u16, { maxLength: 6 }).map((t) => t.sort((a, b) => a - b)),
  time: u32,
  salt: octets(8).map((b) => hex(b)),
  hash: fc.constantFrom("00", "2T7B4G4VSA5SMI47K61MV5BV1A22BOJR"),
  params: fc
    .uniqueArray(fc.integer({ min: 7, max: 99 }), { maxLength: 3 })
    .chain((keys) =>
      fc.tuple(
        ...keys.sort((a, b) => a - b).map((key) => octets(6).map((b) => ({ key, value: hex(b) }))),
      ),
    ),
  location: fc.constantFrom(
    "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m",
    "0 0 0.000 N 0 0 0.000 E 0.00m 1.00m 10000.00m 10.00m",
  ),
  eui48: octets(6, 6).map((b) => hex(b)),
  eui64: octets(8, 8).map((b) => hex(b)),
  prefixes: fc.constantFrom([], ["1:192.0.2.0/24"], ["!2:2001:db8::/32", "1:0.0.0.0/0"]),
};

export const typed: fc.Arbitrary<{ type: number; rdata: Rdata }> = fc
  .constantFrom(...Object.entries(RDATA))
  .chain(([type, specs]) =>
    fc.tuple(...(specs as readonly FieldSpec[]).map(([, kind]) => VALUES[kind])).map((values) => ({
      type: Number(type),
      rdata: Object.fromEntries(
        (specs as readonly FieldSpec[]).map(([name], i) => [name, values[i]]),
      ) as Rdata,
    })),
  )
  // Texts have one form each: what the codec reads back is the message.
  .map(({ type, rdata }) => ({ type, rdata: rdataFromBytes(type, rdataBytes(type, rdata)) }));

const opaque = fc.record({
  type: fc.constantFrom(10, 999, 65_280),
  rdata: octets(12).map((b) => ({ opaque: hex(b) }) as Rdata),
});

const record: fc.Arbitrary<ResourceRecord> = fc
  .tuple(
    dnsName,
    fc.constantFrom(1, 3, 254),
    fc.integer({ min: 0, max: 0x7fffffff }),
    fc.oneof(typed, opaque),
  )
  .filter(([, rdclass, , data]) => rdclass === 1 || "opaque" in data.rdata)
  .map(([name, rdclass, ttl, { type, rdata }]) => ({ name, type, class: rdclass, ttl, rdata }));

const edns = fc.record({
  udpSize: u16,
  version: u8,
  do: fc.boolean(),
  options: fc.array(fc.record({ code: u16, data: octets(8).map((b) => hex(b)) }), { maxLength: 3 }),
});

export const dnsMessage: fc.Arbitrary<DnsMessage> = fc
  .record({
    id: u16,
    qr: fc.constantFrom(0 as const, 1 as const),
    opcode: fc.constantFrom(0, 2, 4, 5),
    rcode: fc.integer({ min: 0, max: 15 }),
    aa: fc.boolean(),
    tc: fc.boolean(),
    rd: fc.boolean(),
    ra: fc.boolean(),
    ad: fc.boolean(),
    cd: fc.boolean(),
    questions: fc.array(fc.record({ name: dnsName, type: u16, class: u16 }), { maxLength: 2 }),
    answers: fc.array(record, { maxLength: 4 }),
    authority: fc.array(record, { maxLength: 2 }),
    additional: fc.array(record, { maxLength: 2 }),
    edns: fc.option(edns, { nil: undefined }),
  })
  .map(({ edns: opt, ...rest }) => (opt === undefined ? rest : { ...rest, edns: opt }));

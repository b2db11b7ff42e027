/** STUN messages and ChannelData that strict decoding takes back unchanged. */
import fc from "fast-check";
import { formatIpv4, formatIpv6 } from "../../../src/codecs/ip-text.ts";
import { hex } from "../../../src/codecs/reader.ts";
import { withFingerprint } from "../../../src/codecs/stun/encode.ts";
import type { ChannelData, StunAttribute, StunItem } from "../../../src/codecs/stun/message.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 12 });
const exactly = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
const address = fc.oneof(
  exactly(4).map((b) => formatIpv4(b)),
  exactly(16).map((b) => formatIpv6(b)),
);

function of<T extends object>(types: readonly number[], value: fc.Arbitrary<T>) {
  return fc
    .tuple(fc.constantFrom(...types), value)
    .map(([type, fields]) => ({ type, ...fields }) as unknown as StunAttribute);
}

const attribute: fc.Arbitrary<StunAttribute> = fc.oneof(
  of([1, 0x8023], fc.record({ form: fc.constant("address"), address, port: u16 })),
  of([0x20, 0x12, 0x16], fc.record({ form: fc.constant("xor-address"), address, port: u16 })),
  of(
    [6, 0x14, 0x8022],
    fc.record({ form: fc.constant("text"), text: fc.string({ maxLength: 9 }) }),
  ),
  of([8, 0x13, 0x1c, 0x7fff, 0xc001], fc.record({ form: fc.constant("bytes"), bytes })),
  of([3, 0x0d, 0x24], fc.record({ form: fc.constant("u32"), number: u32 })),
  of([0x8029, 0x802a], fc.record({ form: fc.constant("u64"), hex: exactly(8).map((b) => hex(b)) })),
  of(
    [9],
    fc.record({
      form: fc.constant("error"),
      code: fc.integer({ min: 0, max: 799 }),
      reason: fc.string({ maxLength: 9 }),
    }),
  ),
  of([0x25, 0x1a], fc.record({ form: fc.constant("flag") })),
  of([10], fc.record({ form: fc.constant("types"), types: fc.array(u16, { maxLength: 4 }) })),
  of([12], fc.record({ form: fc.constant("channel"), channel: u16 })),
  of([0x19], fc.record({ form: fc.constant("transport"), protocol: fc.nat(255) })),
  of([0x17], fc.record({ form: fc.constant("family"), family: fc.nat(255) })),
  of([0x18], fc.record({ form: fc.constant("even-port"), reserveNext: fc.boolean() })),
  of(
    [0xc002],
    fc.record({
      form: fc.constant("bytes"),
      bytes: exactly(2),
      padding: fc.constant(Uint8Array.of(1, 0)),
    }),
  ),
);

const messages: fc.Arbitrary<StunItem> = fc
  .record({
    kind: fc.constant("message" as const),
    type: fc.integer({ min: 0, max: 0x3fff }),
    transactionId: exactly(12).map((b) => hex(b)),
    attributes: fc.array(attribute, { maxLength: 5 }),
  })
  .chain((message) => fc.boolean().map((f) => (f ? withFingerprint(message) : message)));

const classic: fc.Arbitrary<StunItem> = fc.record({
  kind: fc.constant("message" as const),
  type: fc.constantFrom(1, 0x101, 0x111),
  transactionId: exactly(15).map((b) => `ff${hex(b)}`),
  attributes: fc.array(
    attribute.filter((a) => a.form !== "xor-address"),
    { maxLength: 3 },
  ),
});

export const channelData: fc.Arbitrary<ChannelData> = fc
  .tuple(fc.integer({ min: 0x4000, max: 0x4fff }), bytes, fc.boolean())
  .map(([channel, data, padded]) => {
    const fill = -data.length & 3;
    const item: ChannelData = { kind: "channel_data", channel, data };
    return padded && fill > 0 ? { ...item, padding: new Uint8Array(fill) } : item;
  });

export const stunMessages: fc.Arbitrary<StunItem> = fc.oneof(messages, classic);
export const stunItems: fc.Arbitrary<StunItem> = fc.oneof(messages, classic, channelData);

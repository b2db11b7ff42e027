/** pcapng to bytes: one section, one interface, nanoseconds, little endian. draft-ietf-opsawg-pcapng 4. */

/** LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header. */
export const LINK_RAW = 101;

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const OPTION = { end: 0, comment: 1, name: 2, resolution: 9 } as const;
const NANOSECONDS = 9;

const padded = (length: number) => (length + 3) & ~3;

/** Octets of the options, with their end. */
function options(list: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  if (list.length === 0) return new Uint8Array(0);
  const size = list.reduce((sum, [, value]) => sum + 4 + padded(value.length), 4);
  const out = new Uint8Array(size);
  const data = new DataView(out.buffer);
  let at = 0;
  for (const [code, value] of list) {
    data.setUint16(at, code, true);
    data.setUint16(at + 2, value.length, true);
    out.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  return out;
}

function block(type: number, body: readonly Uint8Array[]): Uint8Array {
  const size = body.reduce((sum, part) => sum + padded(part.length), 12);
  const out = new Uint8Array(size);
  const data = new DataView(out.buffer);
  data.setUint32(0, type, true);
  data.setUint32(4, size, true);
  let at = 8;
  for (const part of body) {
    out.set(part, at);
    at += padded(part.length);
  }
  data.setUint32(at, size, true);
  return out;
}

function fixed(size: number, fill: (data: DataView) => void): Uint8Array {
  const out = new Uint8Array(size);
  fill(new DataView(out.buffer));
  return out;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The section header and the description of the one interface. */
export function pcapngHeader(linkType: number, interfaceName?: string): Uint8Array {
  const section = block(SECTION, [
    fixed(16, (data) => {
      data.setUint32(0, 0x1a2b3c4d, true);
      data.setUint16(4, 1, true);
      data.setBigInt64(8, -1n, true);
    }),
  ]);
  const description = block(INTERFACE, [
    fixed(8, (data) => data.setUint16(0, linkType, true)),
    options([
      ...(interfaceName === undefined ? [] : [[OPTION.name, text(interfaceName)] as const]),
      [OPTION.resolution, Uint8Array.of(NANOSECONDS)],
    ]),
  ]);
  const out = new Uint8Array(section.length + description.length);
  out.set(section);
  out.set(description, section.length);
  return out;
}

/** `nanos` since 1970. */
export function pcapngPacket(packet: Uint8Array, nanos: bigint, comment = ""): Uint8Array {
  return block(ENHANCED_PACKET, [
    fixed(20, (data) => {
      data.setUint32(4, Number(nanos >> 32n), true);
      data.setUint32(8, Number(nanos & 0xffffffffn), true);
      data.setUint32(12, packet.length, true);
      data.setUint32(16, packet.length, true);
    }),
    packet,
    options(comment === "" ? [] : [[OPTION.comment, text(comment)]]),
  ]);
}

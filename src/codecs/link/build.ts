/** Packets to bytes: Ethernet, IPv4 and IPv6, UDP and TCP, with lengths and checksums. */
import { EncodeError } from "../errors.ts";
import { parseIpv4, parseIpv6 } from "../ip-text.ts";
import { ETHERTYPE, IP_PROTOCOL } from "./constants.ts";

export interface IpOptions {
  /** Addresses as text; both of one family. */
  readonly src: string;
  readonly dst: string;
  /** Hop limit. */
  readonly ttl?: number;
  /** IPv4 identification. */
  readonly id?: number;
}

export interface UdpOptions extends IpOptions {
  readonly sport: number;
  readonly dport: number;
}

export interface TcpOptions extends UdpOptions {
  readonly seq: number;
  readonly ack?: number;
  /** TCP_FLAG bits. */
  readonly flags: number;
  readonly window?: number;
  /** Option bytes, padded to a multiple of four. */
  readonly options?: Uint8Array;
}

/** The Internet checksum of parts laid end to end; all but the last of even length. RFC 1071. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return ~sum & 0xffff;
}

/** RFC 768. */
export function udpPacket(options: UdpOptions, payload: Uint8Array): Uint8Array {
  const segment = new Uint8Array(8 + payload.length);
  const data = new DataView(segment.buffer);
  data.setUint16(0, options.sport);
  data.setUint16(2, options.dport);
  data.setUint16(4, segment.length);
  segment.set(payload, 8);
  const sum = checksum(pseudoHeader(options, IP_PROTOCOL.UDP, segment.length), segment);
  data.setUint16(6, sum === 0 ? 0xffff : sum);
  return ipPacket(options, IP_PROTOCOL.UDP, segment);
}

/** RFC 9293 3.1. */
export function tcpPacket(options: TcpOptions, payload: Uint8Array): Uint8Array {
  const extra = options.options ?? new Uint8Array(0);
  const header = 20 + ((extra.length + 3) & ~3);
  const segment = new Uint8Array(header + payload.length);
  const data = new DataView(segment.buffer);
  data.setUint16(0, options.sport);
  data.setUint16(2, options.dport);
  data.setUint32(4, options.seq >>> 0);
  data.setUint32(8, (options.ack ?? 0) >>> 0);
  data.setUint8(12, (header / 4) << 4);
  data.setUint8(13, options.flags);
  data.setUint16(14, options.window ?? 65_535);
  segment.set(extra, 20);
  segment.set(payload, header);
  data.setUint16(16, checksum(pseudoHeader(options, IP_PROTOCOL.TCP, segment.length), segment));
  return ipPacket(options, IP_PROTOCOL.TCP, segment);
}

/** An IPv4 (RFC 791) or IPv6 (RFC 8200) packet, by the family of the addresses. @throws EncodeError */
export function ipPacket(options: IpOptions, protocol: number, payload: Uint8Array): Uint8Array {
  const src = parseIpv4(options.src);
  const dst = parseIpv4(options.dst);
  if (src !== undefined && dst !== undefined)
    return ipv4Packet(options, src, dst, protocol, payload);
  const { src: from, dst: to } = addresses(options);
  const packet = new Uint8Array(40 + payload.length);
  const data = new DataView(packet.buffer);
  packet[0] = 0x60;
  data.setUint16(4, payload.length);
  packet[6] = protocol;
  packet[7] = options.ttl ?? 64;
  packet.set(from, 8);
  packet.set(to, 24);
  packet.set(payload, 40);
  return packet;
}

function ipv4Packet(
  options: IpOptions,
  src: Uint8Array,
  dst: Uint8Array,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  if (payload.length > 65_515) {
    throw new EncodeError(
      "ipv4.length",
      "RFC 791 3.1",
      `${payload.length} bytes do not fit an IPv4 packet`,
    );
  }
  const packet = new Uint8Array(20 + payload.length);
  const data = new DataView(packet.buffer);
  packet[0] = 0x45;
  data.setUint16(2, packet.length);
  data.setUint16(4, options.id ?? 0);
  data.setUint16(6, options.id === undefined ? 0x4000 : 0);
  packet[8] = options.ttl ?? 64;
  packet[9] = protocol;
  packet.set(src, 12);
  packet.set(dst, 16);
  data.setUint16(10, checksum(packet.subarray(0, 20)));
  packet.set(payload, 20);
  return packet;
}

function addresses(options: IpOptions): { src: Uint8Array; dst: Uint8Array } {
  const src = parseIpv4(options.src) ?? parseIpv6(options.src);
  const dst = parseIpv4(options.dst) ?? parseIpv6(options.dst);
  if (src === undefined || dst === undefined || src.length !== dst.length) {
    throw new EncodeError(
      "ip.address",
      "RFC 4291 2.2",
      `${options.src} and ${options.dst} are not addresses of one family`,
    );
  }
  return { src, dst };
}

/** RFC 9293 3.1 and RFC 8200 8.1. */
function pseudoHeader(options: IpOptions, protocol: number, length: number): Uint8Array {
  const { src, dst } = addresses(options);
  const header = new Uint8Array(src.length * 2 + (src.length === 4 ? 4 : 8));
  header.set(src, 0);
  header.set(dst, src.length);
  const data = new DataView(header.buffer);
  const at = src.length * 2;
  if (src.length === 4) {
    header[at + 1] = protocol;
    data.setUint16(at + 2, length);
  } else {
    data.setUint32(at, length);
    header[at + 7] = protocol;
  }
  return header;
}

/** An Ethernet frame around an IP packet. `vlans`: tags, outermost first. */
export function ethernetFrame(ip: Uint8Array, vlans: readonly number[] = []): Uint8Array {
  const frame = new Uint8Array(14 + vlans.length * 4 + ip.length);
  const data = new DataView(frame.buffer);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
  let at = 12;
  vlans.forEach((id, i) => {
    data.setUint16(at, i < vlans.length - 1 ? ETHERTYPE.PROVIDER_BRIDGE : ETHERTYPE.VLAN);
    data.setUint16(at + 2, id);
    at += 4;
  });
  data.setUint16(at, (ip[0] as number) >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4);
  frame.set(ip, at + 2);
  return frame;
}

/** What travels in the simulated network: a UDP datagram or a TCP segment. */

export const UDP = 17;
export const TCP = 6;

export const SYN = 0x02;
export const FIN = 0x01;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** Octets of IPv4, and of UDP or TCP with the options that a segment has: timestamps, SACK blocks, those of a SYN. */
const UDP_HEADERS = 28;
const TCP_HEADERS = 52;
const SYN_HEADERS = 60;
const SACK_HEADER = 4;

export class Packet {
  readonly protocol: typeof UDP | typeof TCP;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  /** Shared with the sender, who never changes it. */
  readonly data: Uint8Array;
  readonly flags: number;
  /** Sequence numbers on the wire: modulo 2^32. */
  readonly seq: number;
  readonly ack: number;
  /** Octets, scaled already. */
  readonly window: number;
  /** Timestamps (RFC 7323 3): when it was sent, and when that was sent which it answers; 0: none. */
  readonly stamp: number;
  readonly echo: number;
  /** SACK: edges of blocks as sequence numbers, alternating. */
  readonly sacks: readonly number[] | undefined;

  constructor(
    protocol: typeof UDP | typeof TCP,
    src: string,
    sport: number,
    dst: string,
    dport: number,
    data: Uint8Array,
    flags = 0,
    seq = 0,
    ack = 0,
    window = 0,
    stamp = 0,
    echo = 0,
    sacks: readonly number[] | undefined = undefined,
  ) {
    this.protocol = protocol;
    this.src = src;
    this.sport = sport;
    this.dst = dst;
    this.dport = dport;
    this.data = data;
    this.flags = flags;
    this.seq = seq;
    this.ack = ack;
    this.window = window;
    this.stamp = stamp;
    this.echo = echo;
    this.sacks = sacks;
  }

  /** Octets of the IP packet. */
  get length(): number {
    const { length } = this.data;
    if (this.protocol === UDP) return length + UDP_HEADERS;
    if ((this.flags & SYN) !== 0) return length + SYN_HEADERS;
    return (
      length + TCP_HEADERS + (this.sacks === undefined ? 0 : SACK_HEADER + this.sacks.length * 4)
    );
  }
}

/** The RST that answers a segment of no connection: RFC 9293 3.10.7.1. */
export function resetFor(packet: Packet): Packet {
  const { src, sport, dst, dport, data, flags } = packet;
  const counted = data.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0);
  const ack = (packet.seq + counted) >>> 0;
  return new Packet(TCP, dst, dport, src, sport, NO_BYTES, RST | ACK, packet.ack, ack);
}

export interface PacketChange {
  readonly src?: string;
  readonly sport?: number;
  readonly dst?: string;
  readonly dport?: number;
  readonly data?: Uint8Array;
}

/** The same packet with other addresses or payload. */
export function changed(packet: Packet, change: PacketChange): Packet {
  return new Packet(
    packet.protocol,
    change.src ?? packet.src,
    change.sport ?? packet.sport,
    change.dst ?? packet.dst,
    change.dport ?? packet.dport,
    change.data ?? packet.data,
    packet.flags,
    packet.seq,
    packet.ack,
    packet.window,
    packet.stamp,
    packet.echo,
    packet.sacks,
  );
}

export const NO_BYTES = new Uint8Array(0);

/** What travels in the simulated network: a UDP datagram or a TCP segment. */

export const UDP = 17;
export const TCP = 6;

export const SYN = 0x02;
export const FIN = 0x01;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

const HEADER_BYTES = { udp: 28, tcp: 40 } as const;

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
  readonly window: number;

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
  }

  /** Octets of the IP packet. */
  get length(): number {
    return this.data.length + (this.protocol === UDP ? HEADER_BYTES.udp : HEADER_BYTES.tcp);
  }
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
  );
}

export const NO_BYTES = new Uint8Array(0);

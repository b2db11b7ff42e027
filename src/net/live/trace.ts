/** The packets of an exchange that took place over sockets, written as a capture: what a listener on the wire would have seen, without losses. */

import { ethernetFrame, tcpPacket, udpPacket } from "../../codecs/link/build.ts";
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import { classicHeader, classicRecord } from "../../codecs/pcap/classic.ts";

/** Payload of one TCP segment on Ethernet with IPv6. */
const SEGMENT_BYTES = 1440;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Collects records; `bytes` gives the whole capture. */
export class Trace {
  private readonly chunks: Uint8Array[] = [classicHeader({ nanoseconds: true })];
  private readonly local: Endpoint;
  private readonly remote: Endpoint;
  private readonly transport: "tcp" | "udp";
  /** Sequence numbers of both sides. */
  private readonly next = [1000, 5000];
  private id = 1;

  constructor(transport: "tcp" | "udp", local: Endpoint, remote: Endpoint) {
    this.transport = transport;
    this.local = local;
    this.remote = remote;
  }

  /** The three packets that open a connection. `nanos` since the epoch, as all times here. */
  opened(nanos: bigint): void {
    if (this.transport === "udp") return;
    this.tcp(0, TCP_FLAG.SYN, EMPTY, nanos);
    this.tcp(1, TCP_FLAG.SYN | TCP_FLAG.ACK, EMPTY, nanos);
    this.tcp(0, TCP_FLAG.ACK, EMPTY, nanos);
  }

  sent(bytes: Uint8Array, nanos: bigint): void {
    this.payload(0, bytes, nanos);
  }

  received(bytes: Uint8Array, nanos: bigint): void {
    this.payload(1, bytes, nanos);
  }

  /** `side`: 0 this end, 1 the other. */
  closed(side: 0 | 1, nanos: bigint): void {
    if (this.transport === "tcp") this.tcp(side, TCP_FLAG.FIN | TCP_FLAG.ACK, EMPTY, nanos);
  }

  private payload(side: 0 | 1, bytes: Uint8Array, nanos: bigint): void {
    if (this.transport === "udp") {
      const packet = udpPacket({ ...this.endpoints(side), id: this.id++ }, bytes);
      this.record(packet, nanos);
      return;
    }
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
      this.tcp(side, TCP_FLAG.PSH | TCP_FLAG.ACK, bytes.subarray(at, at + SEGMENT_BYTES), nanos);
    }
  }

  private endpoints(side: 0 | 1): { src: string; dst: string; sport: number; dport: number } {
    const [from, to] = side === 0 ? [this.local, this.remote] : [this.remote, this.local];
    return { src: from.address, dst: to.address, sport: from.port, dport: to.port };
  }

  private tcp(side: 0 | 1, flags: number, payload: Uint8Array, nanos: bigint): void {
    const seq = this.next[side] as number;
    const ack = (flags & TCP_FLAG.ACK) === 0 ? 0 : (this.next[1 - side] as number);
    const packet = tcpPacket({ ...this.endpoints(side), id: this.id++, seq, ack, flags }, payload);
    const counted = (flags & (TCP_FLAG.SYN | TCP_FLAG.FIN)) === 0 ? 0 : 1;
    this.next[side] = (seq + payload.length + counted) >>> 0;
    this.record(packet, nanos);
  }

  private record(packet: Uint8Array, nanos: bigint): void {
    const seconds = Number(nanos / 1_000_000_000n);
    const fraction = Number(nanos % 1_000_000_000n);
    this.chunks.push(
      classicRecord(ethernetFrame(packet), seconds, fraction, { nanoseconds: true }),
    );
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.chunks);
  }
}

const EMPTY = new Uint8Array(0);

/**
 * TCP conversations as a capture sees them, with segments that come late, twice or out of order,
 * or that the capture lost. Knows which messages are whole in the file.
 */
import { ethernetFrame, tcpPacket } from "../../src/codecs/link/build.ts";
import type { Seeded } from "./random.ts";
import type { CaptureWriter } from "./writer.ts";

const SYN = 0x02;
const ACK = 0x10;
const PSH = 0x08;
const FIN = 0x01;

export interface Disturbance {
  /** Share of data segments that are sent again later, the first copy lost before the capture. */
  readonly late: number;
  /** Share that comes after its successor. */
  readonly reorder: number;
  /** Share that comes twice. */
  readonly duplicate: number;
  /** Share that the capture does not hold at all, though it was received. */
  readonly lost: number;
}

export const CALM: Disturbance = { late: 0, reorder: 0, duplicate: 0, lost: 0 };

export interface Tally {
  /** Messages whose bytes are all in the file. */
  whole: number;
  /** Messages of which some bytes are not. */
  holed: number;
  gapBytes: number;
}

interface Side {
  readonly ip: string;
  readonly port: number;
  seq: number;
}

export class Conversation {
  private readonly sides: readonly [Side, Side];
  private readonly writer: CaptureWriter;
  private readonly random: Seeded;
  private readonly disturbance: Disturbance;
  private readonly tally: Tally;
  private unacked = 0;
  /** Frames held back: each with the number of packets to wait. */
  private readonly held: { frame: Uint8Array; wait: number }[] = [];

  constructor(
    writer: CaptureWriter,
    random: Seeded,
    client: { ip: string; port: number },
    server: { ip: string; port: number },
    disturbance: Disturbance,
    tally: Tally,
  ) {
    this.writer = writer;
    this.random = random;
    this.disturbance = disturbance;
    this.tally = tally;
    this.sides = [
      { ...client, seq: random.u32() },
      { ...server, seq: random.u32() },
    ];
    this.packet(0, SYN, EMPTY);
    this.sides[0].seq++;
    this.packet(1, SYN | ACK, EMPTY);
    this.sides[1].seq++;
    this.packet(0, ACK, EMPTY);
  }

  /** Sends messages laid end to end in segments of at most `mss` bytes. */
  send(from: 0 | 1, messages: readonly Uint8Array[], mss = 1448): void {
    const stream = Buffer.concat(messages);
    const lost: [number, number][] = [];
    for (let at = 0; at < stream.length; at += mss) {
      const end = Math.min(stream.length, at + mss);
      if (this.data(from, stream.subarray(at, end), end === stream.length)) lost.push([at, end]);
    }
    let start = 0;
    for (const message of messages) {
      const end = start + message.length;
      const holed = lost.some(([a, b]) => a < end && b > start);
      if (holed) this.tally.holed++;
      else this.tally.whole++;
      start = end;
    }
    for (const [a, b] of lost) this.tally.gapBytes += b - a;
    this.acknowledge(from === 0 ? 1 : 0);
  }

  /** Returns true when the capture lost it. */
  private data(from: 0 | 1, payload: Uint8Array, last: boolean): boolean {
    const { random, disturbance } = this;
    const frame = this.frame(from, ACK | (last ? PSH : 0), payload);
    (this.sides[from] as Side).seq += payload.length;
    let gone = false;
    if (random.chance(disturbance.lost)) gone = true;
    else if (random.chance(disturbance.late)) this.held.push({ frame, wait: 4 + random.below(12) });
    else if (random.chance(disturbance.reorder)) this.held.push({ frame, wait: 1 });
    else {
      this.out(frame);
      if (random.chance(disturbance.duplicate))
        this.held.push({ frame, wait: 1 + random.below(6) });
    }
    if (++this.unacked >= 2) this.acknowledge(from === 0 ? 1 : 0);
    return gone;
  }

  private acknowledge(by: 0 | 1): void {
    this.unacked = 0;
    this.packet(by, ACK, EMPTY);
  }

  close(): void {
    this.packet(0, FIN | ACK, EMPTY);
    (this.sides[0] as Side).seq++;
    this.packet(1, FIN | ACK, EMPTY);
    (this.sides[1] as Side).seq++;
    this.packet(0, ACK, EMPTY);
    for (const { frame } of this.held.splice(0)) this.writer.write(frame);
  }

  private packet(from: 0 | 1, flags: number, payload: Uint8Array): void {
    this.out(this.frame(from, flags, payload));
  }

  private frame(from: 0 | 1, flags: number, payload: Uint8Array): Uint8Array {
    const a = this.sides[from] as Side;
    const b = this.sides[from === 0 ? 1 : 0] as Side;
    return ethernetFrame(
      tcpPacket(
        {
          src: a.ip,
          dst: b.ip,
          sport: a.port,
          dport: b.port,
          seq: a.seq >>> 0,
          ack: (flags & ACK) !== 0 ? b.seq >>> 0 : 0,
          flags,
        },
        payload,
      ),
    );
  }

  private out(frame: Uint8Array): void {
    this.writer.advance(20 + this.random.below(60));
    this.writer.write(frame);
    for (let i = 0; i < this.held.length; ) {
      const held = this.held[i] as (typeof this.held)[0];
      if (--held.wait <= 0) {
        this.held.splice(i, 1);
        this.writer.advance(5);
        this.writer.write(held.frame);
      } else {
        i++;
      }
    }
  }
}

const EMPTY = new Uint8Array(0);

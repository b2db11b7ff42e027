/** What one node saw, as pcapng that any analyser opens: raw IP, nanoseconds, true checksums. */
import { tcpPacket, udpPacket } from "../../codecs/link/build.ts";
import { LINK_RAW, pcapngHeader, pcapngPacket } from "../../codecs/pcap/pcapng-writer.ts";
import type { Nanos } from "../../engines/host.ts";
import type { Packet } from "./packet.ts";
import { NO_BYTES, SYN, UDP } from "./packet.ts";
import { WINDOW_SHIFT } from "./tcp/constants.ts";
import { optionBytes } from "./tcp/options.ts";

export class Trace {
  private readonly startedMs: number;
  private readonly chunks: Uint8Array[];
  /** Where each packet that may still be lost stands. */
  private readonly places = new WeakMap<
    Packet,
    { readonly chunk: number; readonly id: number; readonly at: Nanos }
  >();
  private id = 0;

  /** `startedMs`: when virtual time began, in milliseconds since 1970; `name` of the node. */
  constructor(startedMs: number, name: string) {
    this.startedMs = startedMs;
    this.chunks = [pcapngHeader(LINK_RAW, name)];
  }

  packet(now: Nanos, packet: Packet): void {
    const id = this.id++ & 0xffff;
    this.places.set(packet, { chunk: this.chunks.length, id, at: now });
    this.chunks.push(this.block(now, packet, id, ""));
  }

  /** A packet that this node sent did not come on: it says so itself, where the node saw it last. */
  lost(packet: Packet, why: string): void {
    const place = this.places.get(packet);
    if (place === undefined) return;
    this.chunks[place.chunk] = this.block(place.at, packet, place.id, why);
  }

  private block(now: Nanos, packet: Packet, id: number, comment: string): Uint8Array {
    const ends = {
      src: packet.src,
      dst: packet.dst,
      sport: packet.sport,
      dport: packet.dport,
      id,
    };
    const bytes =
      packet.protocol === UDP
        ? udpPacket(ends, packet.data)
        : tcpPacket(
            {
              ...ends,
              seq: packet.seq,
              ack: packet.ack,
              flags: packet.flags,
              window: (packet.flags & SYN) !== 0 ? packet.window : packet.window >> WINDOW_SHIFT,
              options: packet.stamp > 0 ? optionBytes(packet) : NO_BYTES,
            },
            packet.data,
          );
    const nanos = BigInt(this.startedMs) * 1_000_000n + BigInt(now);
    return pcapngPacket(bytes, nanos, comment);
  }

  bytes(): Uint8Array {
    const total = this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const out = new Uint8Array(total);
    let at = 0;
    for (const chunk of this.chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}

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
  private id = 0;

  /** `startedMs`: when virtual time began, in milliseconds since 1970; `name` of the node. */
  constructor(startedMs: number, name: string) {
    this.startedMs = startedMs;
    this.chunks = [pcapngHeader(LINK_RAW, name)];
  }

  /** `comment`: why it never came on, or nothing. */
  packet(now: Nanos, packet: Packet, comment: string): void {
    const ends = {
      src: packet.src,
      dst: packet.dst,
      sport: packet.sport,
      dport: packet.dport,
      id: this.id++ & 0xffff,
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
    this.chunks.push(pcapngPacket(bytes, nanos, comment));
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

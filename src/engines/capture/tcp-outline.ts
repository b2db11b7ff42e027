/**
 * What is known of a TCP connection without putting its bytes in order: enough to tell whether a SYN
 * opens another one on the same endpoints. For connections whose records another worker makes.
 */
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import type { Packet } from "../../codecs/link/packet.ts";
import type { Direction } from "./dissector.ts";

export class TcpOutline {
  private readonly synSeen: [boolean, boolean] = [false, false];
  private readonly synSequence: [number, number] = [0, 0];
  private readonly started: [boolean, boolean] = [false, false];
  /** Octets came, or the end did. */
  private readonly moved: [boolean, boolean] = [false, false];

  /** As `TcpState.isReuse`. */
  isReuse(direction: Direction, sequence: number): boolean {
    if (this.synSeen[direction]) return this.synSequence[direction] !== sequence;
    return this.started[direction] ? this.moved[direction] : this.moved[direction === 0 ? 1 : 0];
  }

  segment(packet: Packet, direction: Direction): void {
    const { flags } = packet;
    const length = packet.end - packet.start + packet.missing;
    if ((flags & TCP_FLAG.SYN) !== 0) {
      if (!this.started[direction]) {
        this.synSeen[direction] = true;
        this.synSequence[direction] = packet.sequence;
      }
    } else if (!this.started[direction] && length === 1 && (flags & TCP_FLAG.PSH) === 0) {
      // RFC 9293 3.8.4: a keep-alive.
      this.started[direction] = true;
      return;
    }
    this.started[direction] = true;
    if (length > 0 || (flags & (TCP_FLAG.FIN | TCP_FLAG.RST)) !== 0) this.moved[direction] = true;
    if ((flags & TCP_FLAG.RST) !== 0) this.moved[direction === 0 ? 1 : 0] = true;
  }
}

/** Boxes on the way that see packets: what stands at a router and may change, drop or answer them. */
import type { Clock } from "../../engines/host.ts";
import type { Packet } from "./packet.ts";

export interface Middlebox {
  /**
   * A packet that came to the box's router. `forward` sends it, or others in its place, on their way
   * from here, by its address or, as over a link, to the node that has the address `to`; a packet
   * that is not forwarded is dropped.
   */
  packet(packet: Packet, forward: (packet: Packet, to?: string) => void, clock: Clock): void;
}

/**
 * A balancer of packets at a router: one virtual address, several machines. With `nat` the box stands
 * on the way of both directions and changes addresses; with `direct` it hands packets on unchanged,
 * and the machines, which have the virtual address too, answer the client themselves.
 */
import { Ring } from "../../engines/balance/ring.ts";
import type { Clock } from "../../engines/host.ts";
import type { Middlebox } from "./middlebox.ts";
import type { Packet } from "./packet.ts";
import { changed, FIN, RST, SYN, TCP } from "./packet.ts";

export type PacketPolicy =
  /** By the five-tuple, remembered for each connection. */
  | "connection-table"
  /** By the five-tuple alone: what a change of the set moves, breaks. */
  | "hash"
  /** Each packet to the next: breaks connections, which is what it is here to show. */
  | "per-packet";

export interface BalancerOptions {
  readonly address: string;
  readonly policy: PacketPolicy;
  readonly mode: "nat" | "direct";
  /** Addresses of the machines, behind this router. */
  readonly machines: readonly string[];
}

export class PacketBalancer implements Middlebox {
  /** Packets given to each machine. */
  readonly counts = new Map<string, number>();
  private readonly options: BalancerOptions;
  private readonly ring = new Ring();
  private readonly machines: string[] = [];
  private readonly table = new Map<string, string>();
  private turn = 0;

  constructor(options: BalancerOptions) {
    this.options = options;
    for (const machine of options.machines) this.add(machine);
  }

  add(machine: string): void {
    this.machines.push(machine);
    this.ring.add(machine);
  }

  remove(machine: string): void {
    this.machines.splice(this.machines.indexOf(machine), 1);
    this.ring.remove(machine);
  }

  /** Where the hash alone sends a connection. */
  hashed(packet: Pick<Packet, "src" | "sport" | "dst" | "dport" | "protocol">): string | undefined {
    const { src, sport, dst, dport, protocol } = packet;
    return this.ring.find(`${protocol} ${src} ${sport} ${dst} ${dport}`);
  }

  packet(packet: Packet, forward: (packet: Packet, to?: string) => void, _clock: Clock): void {
    const { address, mode } = this.options;
    if (packet.dst === address) {
      const machine = this.choose(packet);
      if (machine === undefined) return;
      this.counts.set(machine, (this.counts.get(machine) ?? 0) + 1);
      if (mode === "nat") forward(changed(packet, { dst: machine }));
      else forward(packet, machine);
    } else if (mode === "nat" && this.isMachine(packet.src)) {
      forward(changed(packet, { src: address }));
    } else forward(packet);
  }

  private isMachine(address: string): boolean {
    return this.options.machines.includes(address) || this.machines.includes(address);
  }

  private choose(packet: Packet): string | undefined {
    const { policy } = this.options;
    if (policy === "per-packet") return this.machines[this.turn++ % this.machines.length];
    if (policy === "hash" || packet.protocol !== TCP) return this.hashed(packet);
    const key = `${packet.src} ${packet.sport} ${packet.dport}`;
    let machine = this.table.get(key);
    if (machine === undefined || ((packet.flags & SYN) !== 0 && !this.machines.includes(machine))) {
      machine = this.hashed(packet);
      if (machine !== undefined) this.table.set(key, machine);
    }
    if ((packet.flags & RST) !== 0) this.table.delete(key);
    // A FIN of the client may be followed by its last acknowledgments: they go the same way by the hash.
    if ((packet.flags & FIN) !== 0 && machine === this.hashed(packet)) this.table.delete(key);
    return machine;
  }
}

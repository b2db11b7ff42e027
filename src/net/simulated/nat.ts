/** Network address translation at a router: the four kinds of RFC 3489 5, mappings of RFC 4787 4. */
import type { Clock, Nanos, Random } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import type { Middlebox } from "./middlebox.ts";
import type { Packet } from "./packet.ts";
import { changed } from "./packet.ts";

export type NatKind = "full-cone" | "restricted" | "port-restricted" | "symmetric";

export interface NatOptions {
  readonly kind: NatKind;
  /** The address that the outside sees. */
  readonly address: string;
  /** Whether an address is inside. */
  readonly inside: (address: string) => boolean;
  /** A mapping that sends nothing for so long is forgotten (RFC 4787 4.3: at least 2 minutes). */
  readonly timeout?: Nanos;
  /** First of the ports that are given out, and their number. */
  readonly firstPort?: number;
  readonly ports?: number;
}

interface Mapping {
  readonly key: string;
  readonly addr: string;
  readonly port: number;
  readonly outside: number;
  /** Peers that were sent to: `address`, and `address port`. */
  readonly peers: Set<string>;
  used: Nanos;
}

export class Nat implements Middlebox {
  private readonly options: Required<NatOptions>;
  private readonly random: Random;
  private readonly byInside = new Map<string, Mapping>();
  private readonly byOutside = new Map<string, Mapping>();

  constructor(options: NatOptions, random: Random) {
    this.options = { timeout: 120 * SECOND, firstPort: 20_000, ports: 40_000, ...options };
    this.random = random;
  }

  packet(packet: Packet, forward: (packet: Packet) => void, clock: Clock): void {
    const { inside, address } = this.options;
    if (inside(packet.src)) {
      if (inside(packet.dst)) forward(packet);
      else this.outgoing(packet, forward, clock.now());
    } else if (packet.dst === address) {
      this.incoming(packet, forward, clock.now());
    } else if (!inside(packet.dst)) {
      forward(packet);
    }
  }

  private outgoing(packet: Packet, forward: (packet: Packet) => void, now: Nanos): void {
    const { kind, address } = this.options;
    const key =
      kind === "symmetric"
        ? `${packet.protocol} ${packet.src} ${packet.sport} ${packet.dst} ${packet.dport}`
        : `${packet.protocol} ${packet.src} ${packet.sport}`;
    let mapping = this.byInside.get(key);
    if (mapping !== undefined && now - mapping.used > this.options.timeout) {
      this.forget(mapping, packet.protocol);
      mapping = undefined;
    }
    mapping ??= this.open(key, packet, now);
    if (mapping === undefined) return;
    mapping.used = now;
    mapping.peers.add(packet.dst);
    mapping.peers.add(`${packet.dst} ${packet.dport}`);
    forward(changed(packet, { src: address, sport: mapping.outside }));
  }

  private incoming(packet: Packet, forward: (packet: Packet) => void, now: Nanos): void {
    const mapping = this.byOutside.get(`${packet.protocol} ${packet.dport}`);
    if (mapping === undefined) return;
    if (now - mapping.used > this.options.timeout) {
      this.forget(mapping, packet.protocol);
      return;
    }
    const { kind } = this.options;
    const allowed =
      kind === "full-cone" ||
      mapping.peers.has(kind === "restricted" ? packet.src : `${packet.src} ${packet.sport}`);
    if (allowed) forward(changed(packet, { dst: mapping.addr, dport: mapping.port }));
  }

  /** Undefined when all ports are taken. */
  private open(key: string, packet: Packet, now: Nanos): Mapping | undefined {
    const { firstPort, ports } = this.options;
    const start = this.random.below(ports);
    for (let i = 0; i < ports; i++) {
      const outside = firstPort + ((start + i) % ports);
      const place = `${packet.protocol} ${outside}`;
      const taken = this.byOutside.get(place);
      if (taken !== undefined && now - taken.used <= this.options.timeout) continue;
      if (taken !== undefined) this.forget(taken, packet.protocol);
      const mapping: Mapping = {
        key,
        addr: packet.src,
        port: packet.sport,
        outside,
        peers: new Set(),
        used: now,
      };
      this.byInside.set(key, mapping);
      this.byOutside.set(place, mapping);
      return mapping;
    }
    return undefined;
  }

  private forget(mapping: Mapping, protocol: number): void {
    this.byInside.delete(mapping.key);
    this.byOutside.delete(`${protocol} ${mapping.outside}`);
  }

  /** Forgets all mappings, as a router that was started anew. */
  rebind(): void {
    this.byInside.clear();
    this.byOutside.clear();
  }
}

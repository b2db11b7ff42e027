/**
 * The replayed world: engines on their nodes as in the simulated one, and everybody else out of a
 * capture. What the others sent comes at the capture's times from their addresses; what an engine
 * sends to them goes to a counterpart, which answers from the capture or not at all.
 */
import type { Nanos, TcpHandler } from "../../engines/host.ts";
import type { SimNode } from "../simulated/node.ts";
import { Packet, UDP } from "../simulated/packet.ts";
import { EVERYWHERE } from "../simulated/topology.ts";
import type { NodeOptions } from "../simulated/world.ts";
import { World } from "../simulated/world.ts";

/** A datagram of the capture. `at`: since its first packet. */
export interface CapturedDatagram {
  readonly at: Nanos;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  readonly data: Uint8Array;
}

/** Sends a datagram to the engine as if from the endpoint that it had spoken to, after `wait`. */
export type Answer = (data: Uint8Array, wait: Nanos) => void;

/** Who stands for all the others: is shown each datagram that an engine sends them. */
export type Counterpart = (datagram: CapturedDatagram, answer: Answer) => void;

export interface ReplayOptions {
  readonly seed: number;
  /** Milliseconds since 1970 of the capture's first packet. */
  readonly startedMs: number;
  readonly counterpart: Counterpart;
}

export class ReplayedWorld {
  readonly world: World;
  private readonly others: SimNode;

  constructor({ seed, startedMs, counterpart }: ReplayOptions) {
    // Delays are the capture's own: the links add none.
    this.world = new World({ seed, startedMs, delay: 0 });
    this.others = this.world.node("others", { addresses: [EVERYWHERE] });
    this.others.intercept = (packet) => {
      if (packet.protocol !== UDP) return false;
      const { src, sport, dst, dport, data } = packet;
      counterpart({ at: this.world.now, src, sport, dst, dport, data }, (reply, wait) =>
        this.sendAt(this.world.now + wait, new Packet(UDP, dst, dport, src, sport, reply)),
      );
      return true;
    };
  }

  /** The host of a node of the capture that an engine takes the place of. */
  node(name: string, options: NodeOptions): SimNode {
    return this.world.node(name, options);
  }

  /** Connections to others at a port: `accept` is told whose address was called. */
  listen(port: number, accept: (address: string) => TcpHandler): void {
    this.others.listen((connection) => accept(connection.local.addr), { local: { port } });
  }

  /** What the capture has others send, each at its time. */
  play(datagrams: Iterable<CapturedDatagram>): void {
    for (const { at, src, sport, dst, dport, data } of datagrams)
      this.sendAt(at, new Packet(UDP, src, sport, dst, dport, data));
  }

  private sendAt(at: Nanos, packet: Packet): void {
    this.world.queue.at(
      at,
      (world: World, p: Packet) => void world.transmit(this.others.vertex, p),
      this.world,
      packet,
    );
  }
}

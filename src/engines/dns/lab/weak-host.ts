/** A host whose programs can draw less than they believe: the dial of the poisoning lab. RFC 5452 4. */
import type { Host, Random } from "../../host.ts";

export interface Entropy {
  /** Bits of transaction identifiers that are drawn: 0 to 16. */
  readonly idBits: number;
  /** Bits of source ports that are drawn: 0 to 15. */
  readonly portBits: number;
}

/** Transaction identifiers are drawn from so many, and source ports (all above 1023) from so many. */
const IDS = 65_536;
const PORTS = 64_512;

/** Draws of identifiers and of ports are made from the dial's numbers; all others as they were. */
class Dialled implements Random {
  private readonly inner: Random;
  private readonly entropy: Entropy;

  constructor(inner: Random, entropy: Entropy) {
    this.inner = inner;
    this.entropy = entropy;
  }

  u32(): number {
    return this.inner.u32();
  }

  unit(): number {
    return this.inner.unit();
  }

  bytes(out: Uint8Array): void {
    this.inner.bytes(out);
  }

  below(n: number): number {
    const { idBits, portBits } = this.entropy;
    if (n === IDS) return this.inner.below(1 << idBits);
    if (n === PORTS) return this.inner.below(1 << portBits);
    return this.inner.below(n);
  }

  fork(label: string): Random {
    return new Dialled(this.inner.fork(label), this.entropy);
  }
}

export function weakHost(host: Host, entropy: Entropy): Host {
  return {
    name: host.name,
    clock: host.clock,
    random: new Dialled(host.random, entropy),
    addresses: host.addresses,
    disk: host.disk,
    udp: (handler, options) => host.udp(handler, options),
    listen: (accept, options) => host.listen(accept, options),
    connect: (handler, options) => host.connect(handler, options),
    offload: (job, done) => host.offload(job, done),
    trace: (kind, a, b, note) => host.trace(kind, a, b, note),
  };
}

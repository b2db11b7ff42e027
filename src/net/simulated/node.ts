/** A node of the simulated network: the `Host` that engines on it are given. */
import { createHash } from "node:crypto";
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import type {
  ConnectOptions,
  Engine,
  Host,
  ListenOptions,
  Nanos,
  OffloadJob,
  Random,
  TcpConnection,
  TcpHandler,
  TcpListener,
  UdpHandler,
  UdpOptions,
  UdpSocket,
} from "../../engines/host.ts";
import { BROTLI } from "../brotli.ts";
import { SimClock } from "./clock.ts";
import { SimDisk } from "./disk.ts";
import { SimListener, simConnect } from "./listener.ts";
import type { Packet } from "./packet.ts";
import { Ports } from "./ports.ts";
import type { SimTcp } from "./tcp/connection.ts";
import type { Vertex } from "./topology.ts";
import { SimUdp } from "./udp.ts";
import type { World } from "./world.ts";

/** What Linux gives out (net.ipv4.ip_local_port_range). */
const FIRST_EPHEMERAL = 32_768;
const EPHEMERAL_PORTS = 28_232;

/** Makes the program of a node: once at the start, and at each restart. */
export type Boot = (host: Host) => Engine;

export class SimNode implements Host {
  readonly world: World;
  readonly vertex: Vertex;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly udpPorts = new Ports<SimUdp>();
  readonly listeners = new Ports<SimListener>();
  readonly connections = new Map<string, SimTcp>();
  random: Random;
  private readonly ports: Random;
  private readonly roots: Random;
  /** Counts starts: what belongs to an earlier one is dead. */
  epoch = 0;
  up = true;
  /** What waits while the node is paused. */
  paused: (() => void)[] | undefined;
  /** Octets a second that programs of this node read from their connections; undefined: at once. */
  readRate: number | undefined;
  engine: Engine | undefined;
  /** When it sent a segment of TCP again. */
  readonly resentAt: Nanos[] = [];
  /** Sees what comes before its sockets do; true: they shall not see it. */
  intercept: ((packet: Packet) => boolean) | undefined;
  private readonly boot: Boot | undefined;

  constructor(
    world: World,
    vertex: Vertex,
    addresses: readonly string[],
    random: Random,
    boot: Boot | undefined,
  ) {
    this.world = world;
    this.vertex = vertex;
    this.name = vertex.name;
    this.addresses = addresses;
    this.roots = random;
    this.random = random.fork("engine 0");
    this.ports = random.fork("ports");
    this.clock = new SimClock(this);
    this.disk = new SimDisk(this, random.fork("disk"));
    this.boot = boot;
  }

  start(): void {
    if (this.boot === undefined) return;
    this.engine = this.boot(this);
    this.engine.start(this);
  }

  /** Now, or when the node goes on. */
  perform(call: () => void): void {
    if (this.paused === undefined) call();
    else this.paused.push(call);
  }

  udp(handler: UdpHandler, options: UdpOptions = {}): UdpSocket {
    return new SimUdp(this, handler, options);
  }

  listen(accept: (connection: TcpConnection) => TcpHandler, options: ListenOptions): TcpListener {
    return new SimListener(this, accept, options);
  }

  connect(handler: TcpHandler, options: ConnectOptions): TcpConnection {
    return simConnect(this, handler, options);
  }

  offload(job: OffloadJob, done: (error: Error | null, result?: Uint8Array) => void): void {
    const { data } = job;
    this.clock.defer(() => {
      let result: Uint8Array;
      try {
        result = perform(job, data);
      } catch (error) {
        done(error as Error);
        return;
      }
      done(null, result);
    });
  }

  trace(kind: string, a = 0, b = 0): void {
    this.world.digest.note(this.world.now, this.vertex.index, kind, a, b);
  }

  /** Why an address cannot be bound. */
  bindFault(addr: string): string | undefined {
    const any = addr === "0.0.0.0" || addr === "::";
    return any || this.addresses.includes(addr) ? undefined : "EADDRNOTAVAIL";
  }

  ephemeralPort(free: (port: number) => boolean): number {
    const start = this.ports.below(EPHEMERAL_PORTS);
    for (let i = 0; i < EPHEMERAL_PORTS; i++) {
      const port = FIRST_EPHEMERAL + ((start + i) % EPHEMERAL_PORTS);
      if (free(port)) return port;
    }
    throw new RangeError(`${this.name} has no port left`);
  }

  /** The address of its own from which a peer is spoken to. */
  sourceFor(addr: string): string {
    const v6 = addr.includes(":");
    return this.addresses.find((own) => own.includes(":") === v6) ?? (v6 ? "::" : "0.0.0.0");
  }

  /** All programs are gone; nothing is sent, nothing is called back. */
  crash(): void {
    this.epoch++;
    this.up = false;
    this.paused = undefined;
    this.engine = undefined;
    for (const connection of this.connections.values()) connection.vanish();
    this.connections.clear();
    this.udpPorts.clear();
    this.listeners.clear();
    this.disk.crash();
  }

  restart(keepDisk: boolean): void {
    if (!keepDisk) this.disk.wipe();
    this.up = true;
    this.random = this.roots.fork(`engine ${this.epoch}`);
    this.start();
  }
}

function perform(job: OffloadJob, data: Uint8Array): Uint8Array {
  switch (job.kind) {
    case "sha1":
    case "sha256":
      return createHash(job.kind).update(data).digest();
    case "gzip":
      return gzipSync(data);
    case "gunzip":
      return gunzipSync(data);
    case "deflate":
      return deflateSync(data);
    case "inflate":
      return inflateSync(data);
    case "brotli":
      return brotliCompressSync(data, BROTLI);
  }
}

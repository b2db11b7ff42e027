/** The live world: the sockets, clock and random numbers of this machine. */
import { randomFillSync, randomInt } from "node:crypto";
import { networkInterfaces } from "node:os";
import type {
  ConnectOptions,
  Disk,
  Host,
  ListenOptions,
  OffloadJob,
  Random,
  TcpConnection,
  TcpHandler,
  TcpListener,
  UdpHandler,
  UdpOptions,
  UdpSocket,
} from "../../engines/host.ts";
import { Xoshiro } from "../random.ts";
import { LiveClock } from "./clock.ts";
import { LiveDisk } from "./disk.ts";
import { offload } from "./offload.ts";
import type { LiveTcp } from "./tcp.ts";
import { LiveListener, liveConnect } from "./tcp.ts";
import { LiveUdp } from "./udp.ts";

const POOL_WORDS = 1024;

/** Unpredictable: transaction ids and ports depend on it (RFC 5452). With a seed: repeatable. */
class CryptoRandom implements Random {
  private readonly pool = new Uint32Array(POOL_WORDS);
  private at = POOL_WORDS;

  u32(): number {
    if (this.at === POOL_WORDS) {
      randomFillSync(this.pool);
      this.at = 0;
    }
    return this.pool[this.at++] as number;
  }

  below(n: number): number {
    return n <= 1 ? 0 : randomInt(n);
  }

  unit(): number {
    return this.u32() / 0x100000000;
  }

  bytes(out: Uint8Array): void {
    randomFillSync(out);
  }

  fork(): Random {
    return this;
  }
}

export class LiveHost implements Host {
  readonly name: string;
  readonly clock = new LiveClock();
  readonly random: Random;
  readonly disk: Disk;
  private readonly sockets = new Set<LiveUdp>();
  private readonly connections = new Set<LiveTcp>();
  private readonly listeners = new Set<LiveListener>();

  /** `folder`: where relative paths of its disk begin. */
  constructor(name = "local", folder = process.cwd(), seed?: number) {
    this.name = name;
    this.disk = new LiveDisk(folder);
    this.random = seed === undefined ? new CryptoRandom() : new Xoshiro(seed);
  }

  /** Of the interfaces that are up. */
  get addresses(): readonly string[] {
    return Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).map((entry) => entry.address),
    );
  }

  offload(job: OffloadJob, done: (error: Error | null, result?: Uint8Array) => void): void {
    offload(job, done);
  }

  udp(handler: UdpHandler, options: UdpOptions = {}): UdpSocket {
    const socket = new LiveUdp(handler, options, (s) => this.sockets.delete(s));
    this.sockets.add(socket);
    return socket;
  }

  listen(accept: (connection: TcpConnection) => TcpHandler, options: ListenOptions): TcpListener {
    const listener = new LiveListener(
      accept,
      options,
      (c) => this.connections.add(c),
      (c) => this.connections.delete(c),
    );
    this.listeners.add(listener);
    return listener;
  }

  connect(handler: TcpHandler, options: ConnectOptions): TcpConnection {
    const connection = liveConnect(handler, options, (c) => this.connections.delete(c));
    this.connections.add(connection);
    return connection;
  }

  trace(): void {}

  /** Closes all that is open, so that the process can end. */
  stop(): void {
    for (const socket of this.sockets) socket.close();
    for (const listener of this.listeners) listener.close();
    for (const connection of this.connections) connection.reset();
    this.clock.stop();
  }
}

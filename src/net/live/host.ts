/** The live world: the sockets, clock and random numbers of this machine. */
import { randomFillSync, randomInt } from "node:crypto";
import type {
  ConnectOptions,
  Host,
  ListenOptions,
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
  readonly addresses: readonly string[] = ["127.0.0.1"];
  private readonly sockets = new Set<LiveUdp>();
  private readonly connections = new Set<LiveTcp>();
  private readonly listeners = new Set<LiveListener>();

  constructor(name = "local", seed?: number) {
    this.name = name;
    this.random = seed === undefined ? new CryptoRandom() : new Xoshiro(seed);
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

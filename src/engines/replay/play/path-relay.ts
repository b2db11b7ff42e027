/**
 * A path in user space: a relay of TCP that delays, serialises and windows what passes, so that a
 * page on this machine takes the time that it would take over such a path. Windows open as in slow
 * start (RFC 5681 3.1, RFC 6928), nothing is lost. All is computed in the path's own time: what a
 * timer is late by does not add up.
 */
import type {
  Endpoint,
  Engine,
  Host,
  Nanos,
  TcpConnection,
  TcpHandler,
  TcpListener,
} from "../../host.ts";
import { SECOND } from "../../host.ts";

export interface RelayOptions {
  readonly listen: Endpoint;
  readonly target: Endpoint;
  readonly rtt: Nanos;
  /** Octets a second towards the client and back; infinite: no limit. */
  readonly rate: number;
  onListening(at: Endpoint): void;
}

const SEGMENT = 1448;
const HEADERS = 52;
const INITIAL = 10 * SEGMENT;

/** One direction of the path, shared by its connections. */
class Line {
  private busyUntil: Nanos = 0;
  private readonly rate: number;

  constructor(rate: number) {
    this.rate = rate;
  }

  /** When a segment that is ready at `at` has left. */
  pass(at: Nanos, bytes: number): Nanos {
    const start = Math.max(at, this.busyUntil);
    this.busyUntil = start + Math.round(((bytes + HEADERS) * SECOND) / this.rate);
    return this.busyUntil;
  }
}

export class PathRelay implements Engine {
  private readonly options: RelayOptions;
  private readonly down: Line;
  private readonly up: Line;
  private listener: TcpListener | undefined;

  constructor(options: RelayOptions) {
    this.options = options;
    this.down = new Line(options.rate);
    this.up = new Line(options.rate);
  }

  start(host: Host): void {
    const { listen, onListening } = this.options;
    this.listener = host.listen((client) => this.accept(host, client), {
      local: listen,
      onListening: (listener) => onListening(listener.local),
    });
  }

  stop(_graceful: boolean, done: () => void): void {
    this.listener?.close();
    done();
  }

  private accept(host: Host, client: TcpConnection): TcpHandler {
    const { target, rtt } = this.options;
    client.setNoDelay(true);
    // Over the path the client would only now know that it is connected.
    const open = host.clock.now() + rtt;
    let server: TcpConnection | undefined;
    const toServer = new Stream(host, this.up, rtt, open, () => server);
    const toClient = new Stream(host, this.down, rtt, open, () => client);
    server = host.connect(
      {
        onOpen: (c) => c.setNoDelay(true),
        onData: (data) => toClient.take(data.slice()),
        onEnd: () => toClient.end(),
        onClose: () => toClient.end(),
      },
      { remote: target },
    );
    return {
      onData: (data) => toServer.take(data.slice()),
      onEnd: () => toServer.end(),
      onClose: () => toServer.end(),
    };
  }
}

/** One direction of a connection: segments wait for the window, for the line, and for the way. */
class Stream {
  private readonly host: Host;
  private readonly line: Line;
  private readonly way: Nanos;
  private readonly to: () => TcpConnection | undefined;
  private readonly waiting: { readonly data: Uint8Array; readonly at: Nanos }[] = [];
  private window = INITIAL;
  private flying = 0;
  /** When the window last let something go, in the path's time. */
  private now: Nanos;
  private ending = false;

  constructor(
    host: Host,
    line: Line,
    rtt: Nanos,
    open: Nanos,
    to: () => TcpConnection | undefined,
  ) {
    this.host = host;
    this.line = line;
    this.way = Math.round(rtt / 2);
    this.now = open;
    this.to = to;
  }

  take(data: Uint8Array): void {
    const at = this.host.clock.now();
    for (let from = 0; from < data.length; from += SEGMENT)
      this.waiting.push({ data: data.subarray(from, from + SEGMENT), at });
    this.pump();
  }

  end(): void {
    this.ending = true;
    this.pump();
  }

  private pump(): void {
    for (let one = this.waiting[0]; one !== undefined; one = this.waiting[0]) {
      const { data, at } = one;
      if (this.flying + data.length > this.window) return;
      this.waiting.shift();
      this.flying += data.length;
      const there = this.line.pass(Math.max(at, this.now), data.length) + this.way;
      const { clock } = this.host;
      clock.timer(() => this.to()?.write(data)).armAt(there);
      clock.timer(() => this.acknowledged(data.length, there + this.way)).armAt(there + this.way);
    }
    if (this.ending && this.flying === 0) this.to()?.end();
  }

  /** RFC 5681 3.1: the window grows by what arrived. */
  private acknowledged(bytes: number, at: Nanos): void {
    this.flying -= bytes;
    this.window += bytes;
    this.now = Math.max(this.now, at);
    this.pump();
  }
}

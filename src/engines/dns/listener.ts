/**
 * The front of a DNS server: UDP, TCP and TLS sockets that give requests to a service and write its
 * answers back to where they came from. RFC 1035 4.2, RFC 7766 (several questions on a connection,
 * answers in any order), RFC 7858.
 */
import { HEADER_BYTES } from "../../codecs/dns/constants.ts";
import { FrameDecoder, frame } from "../../codecs/dns/framing.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type {
  Engine,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  TcpListener,
  Timer,
  TlsServer,
  UdpHandler,
  UdpSocket,
} from "../host.ts";
import { SECOND } from "../host.ts";
import { padAnswer, wantsPadding } from "./padding.ts";

export type DnsTransport = "udp" | "tcp" | "tls";

export interface DnsClient {
  readonly addr: string;
  readonly port: number;
  readonly transport: DnsTransport;
}

/** Sends one answer. `rest`: messages that follow it (zone transfers), taken as the client reads. */
export type Reply = (bytes: Uint8Array, rest?: Iterator<Uint8Array>) => void;

export interface DnsService {
  /** `request` has a whole header with QR=0 and is lent until this returns. `reply`: at most once. */
  query(request: Uint8Array, client: DnsClient, reply: Reply): void;
  /** The answer at once, or undefined to be asked by `query`: spares the quick a closure a question. */
  answerNow?(request: Uint8Array, client: DnsClient): Uint8Array | undefined;
}

export interface ListenAddress {
  readonly addr: string;
  /** 0: any free one, the same for UDP and TCP. */
  readonly port: number;
  /** With it only TLS is spoken there. */
  readonly tls?: TlsServer | undefined;
  readonly reusePort?: boolean;
}

export interface Listening {
  readonly addr: string;
  readonly port: number;
  readonly transports: readonly DnsTransport[];
}

export interface ListenerLimits {
  /** Above it the connection that was idle for longest goes (RFC 7766 6.2.3). */
  readonly connections: number;
  /** RFC 7766 6.2.2: a limit for one address, which must allow several. */
  readonly connectionsPerClient: number;
  /** Questions of one connection that wait for their answers; more are not read yet. */
  readonly pipelined: number;
  /** RFC 7766 6.2.3: of the order of seconds. */
  readonly idle: Nanos;
  /** How long a graceful stop waits for answers. */
  readonly stop: Nanos;
}

export const LISTENER_LIMITS: ListenerLimits = {
  connections: 20_000,
  connectionsPerClient: 20_000,
  pipelined: 256,
  idle: 30 * SECOND,
  stop: 5 * SECOND,
};

export interface ListenerOptions {
  readonly listen: readonly ListenAddress[];
  readonly limits?: Partial<ListenerLimits>;
  /** All are bound, in the order of `listen`. */
  onListening?(at: readonly Listening[]): void;
  /** One could not be bound: nothing listens then. */
  onListenError?(error: NetError): void;
}

/** Times that a port that UDP got is tried for TCP, which another program may have. */
const PORT_TRIES = 20;
const QR = 0x80;

export function isRequest(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && ((bytes[2] as number) & QR) === 0;
}

export class DnsListener implements Engine {
  readonly limits: ListenerLimits;
  readonly service: DnsService;
  /** Connections, the one that was idle for longest first. */
  readonly connections = new Set<Connection>();
  readonly perClient = new Map<string, number>();
  private readonly options: ListenerOptions;
  private host: Host | undefined;
  private readonly sockets = new Set<UdpSocket>();
  private readonly listeners = new Set<TcpListener>();
  private readonly bound: (Listening | undefined)[];
  /** Answers that are awaited on UDP; connections count theirs. */
  private awaited = 0;
  private stopping: (() => void) | undefined;
  private stopped = false;
  private failed = false;
  private stopTimer: Timer | undefined;

  constructor(service: DnsService, options: ListenerOptions) {
    this.service = service;
    this.options = options;
    this.limits = { ...LISTENER_LIMITS, ...options.limits };
    this.bound = options.listen.map(() => undefined);
  }

  start(host: Host): void {
    this.host = host;
    this.stopTimer = host.clock.timer(() => this.close());
    this.options.listen.forEach((at, index) => {
      if (at.tls !== undefined) this.listenTcp(index, at, undefined, at.port);
      else this.listenUdp(index, at, PORT_TRIES);
    });
  }

  stop(graceful: boolean, done: () => void): void {
    if (this.stopped) {
      done();
      return;
    }
    this.stopping = done;
    for (const listener of this.listeners) listener.close();
    this.listeners.clear();
    if (!graceful) {
      this.close();
      return;
    }
    for (const connection of [...this.connections]) connection.finish();
    this.stopTimer?.armAt((this.host as Host).clock.now() + this.limits.stop);
    this.settle();
  }

  /** Once a stop is wanted and nothing is awaited, all closes. */
  settle(): void {
    if (this.stopping !== undefined && this.awaited === 0 && this.connections.size === 0)
      this.close();
  }

  private close(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.stopTimer?.armAt(undefined);
    for (const listener of this.listeners) listener.close();
    for (const socket of this.sockets) socket.close();
    for (const connection of this.connections) connection.reset();
    this.stopping?.();
  }

  private fail(error: NetError): void {
    if (this.failed) return;
    this.failed = true;
    this.close();
    this.options.onListenError?.(error);
  }

  private ready(index: number, at: Listening): void {
    this.bound[index] = at;
    if (!this.failed && this.bound.every((one) => one !== undefined))
      this.options.onListening?.(this.bound as Listening[]);
  }

  private listenUdp(index: number, at: ListenAddress, tries: number): void {
    const host = this.host as Host;
    const { service } = this;
    const handler: UdpHandler = {
      onDatagram: (data, addr, port, socket) => {
        if (!isRequest(data) || this.stopping !== undefined) return;
        const client: DnsClient = { addr, port, transport: "udp" };
        const now = service.answerNow?.(data, client);
        if (now !== undefined) {
          socket.send(now, addr, port);
          return;
        }
        this.awaited++;
        let answered = false;
        service.query(data, client, (bytes) => {
          if (answered || this.stopped) return;
          answered = true;
          this.awaited--;
          socket.send(bytes, addr, port);
          this.settle();
        });
      },
      onBound: (socket) => {
        if (this.stopped) socket.close();
        else this.listenTcp(index, at, socket, socket.local.port, tries);
      },
      onUdpError: (error, socket) => {
        if (!this.sockets.has(socket) || this.bound[index] === undefined) this.fail(error);
      },
    };
    const socket = host.udp(handler, {
      local: { addr: at.addr, port: at.port },
      ...(at.reusePort === true ? { reusePort: true } : {}),
    });
    this.sockets.add(socket);
  }

  private listenTcp(
    index: number,
    at: ListenAddress,
    udp: UdpSocket | undefined,
    port: number,
    tries = 0,
  ): void {
    const transport: DnsTransport = at.tls === undefined ? "tcp" : "tls";
    const listener = (this.host as Host).listen(
      (connection) => new Connection(this, connection, transport),
      {
        local: { addr: at.addr, port },
        ...(at.tls === undefined ? {} : { tls: at.tls }),
        onListening: (l) => {
          const transports: DnsTransport[] = udp === undefined ? [transport] : ["udp", transport];
          this.ready(index, { addr: l.local.addr, port: l.local.port, transports });
        },
        onListenError: (error) => {
          if (udp !== undefined && at.port === 0 && tries > 0 && error.code === "EADDRINUSE") {
            this.sockets.delete(udp);
            udp.close();
            this.listenUdp(index, at, tries - 1);
            return;
          }
          this.fail(error);
        },
      },
    );
    this.listeners.add(listener);
  }

  /** False: the client has too many connections. */
  admit(connection: Connection): boolean {
    const { addr } = connection.client;
    const count = this.perClient.get(addr) ?? 0;
    if (this.stopping !== undefined || count >= this.limits.connectionsPerClient) return false;
    if (this.connections.size >= this.limits.connections) {
      for (const old of this.connections) {
        if (!old.idle) continue;
        old.reset();
        this.forget(old);
        break;
      }
      if (this.connections.size >= this.limits.connections) return false;
    }
    this.perClient.set(addr, count + 1);
    this.connections.add(connection);
    return true;
  }

  /** It was not idle just now. */
  touch(connection: Connection): void {
    if (this.connections.delete(connection)) this.connections.add(connection);
  }

  forget(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    const { addr } = connection.client;
    const count = (this.perClient.get(addr) ?? 1) - 1;
    if (count === 0) this.perClient.delete(addr);
    else this.perClient.set(addr, count);
  }
}

/** One client's connection. */
class Connection implements TcpHandler {
  readonly client: DnsClient;
  private readonly listener: DnsListener;
  private readonly connection: TcpConnection;
  private readonly frames = new FrameDecoder();
  private awaited = 0;
  private ended = false;
  private closed = false;
  private paused = false;
  /** Zone transfers that go on when the client has read. */
  private readonly streams: Iterator<Uint8Array>[] = [];
  private full = false;

  constructor(listener: DnsListener, connection: TcpConnection, transport: DnsTransport) {
    this.listener = listener;
    this.connection = connection;
    const { addr, port } = connection.remote;
    this.client = { addr, port, transport };
    connection.setIdleTimeout(listener.limits.idle);
    if (!listener.admit(this)) this.reset();
  }

  get idle(): boolean {
    return this.awaited === 0;
  }

  onData(data: Uint8Array): void {
    if (this.closed || this.ended) return;
    this.frames.push(data);
    this.listener.touch(this);
    this.read();
  }

  private read(): void {
    try {
      while (!this.closed && this.awaited < this.listener.limits.pipelined && !this.full) {
        const request = this.frames.next();
        if (request === undefined) break;
        if (isRequest(request)) this.ask(request);
      }
    } catch (error) {
      // A length that no message has: where the next one begins is not known any more.
      if (!(error instanceof DecodeError)) throw error;
      this.reset();
      return;
    }
    const wait = this.awaited >= this.listener.limits.pipelined || this.full;
    if (wait === this.paused || this.closed) return;
    this.paused = wait;
    if (wait) this.connection.pause();
    else this.connection.resume();
  }

  private ask(request: Uint8Array): void {
    const { service } = this.listener;
    const pads = this.client.transport === "tls" && wantsPadding(request);
    const now = service.answerNow?.(request, this.client);
    if (now !== undefined) {
      this.send(pads ? padAnswer(now) : now);
      return;
    }
    this.awaited++;
    let answered = false;
    service.query(request, this.client, (bytes, rest) => {
      if (answered) return;
      answered = true;
      if (this.closed) {
        rest?.return?.();
        return;
      }
      this.send(pads ? padAnswer(bytes) : bytes);
      if (rest === undefined) this.answered();
      else {
        this.streams.push(rest);
        this.pump();
      }
    });
  }

  private answered(): void {
    this.awaited--;
    if (this.paused && !this.full) this.read();
    if (this.ended && this.awaited === 0) this.connection.end();
  }

  private send(bytes: Uint8Array): void {
    if (!this.connection.write(frame(bytes))) this.full = true;
  }

  private pump(): void {
    while (!this.full && !this.closed) {
      const [stream] = this.streams;
      if (stream === undefined) return;
      const { value, done } = stream.next();
      if (done === true) {
        this.streams.shift();
        this.answered();
      } else this.send(value);
    }
  }

  onDrain(): void {
    this.full = false;
    this.pump();
    if (this.paused) this.read();
  }

  onEnd(): void {
    this.finish();
  }

  /** No more questions are read; those that were read are answered. */
  finish(): void {
    this.ended = true;
    if (this.awaited === 0) this.connection.end();
  }

  reset(): void {
    this.closed = true;
    this.connection.reset();
  }

  onClose(): void {
    this.closed = true;
    for (const stream of this.streams) stream.return?.();
    this.listener.forget(this);
    this.listener.settle();
  }
}

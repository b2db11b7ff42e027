/** A balancer of connections: each is joined to one to a machine behind, octets pass unread. */
import type {
  CloseCause,
  Endpoint,
  Engine,
  Host,
  NetError,
  TcpConnection,
  TcpHandler,
  TcpListener,
} from "../host.ts";
import { SECOND } from "../host.ts";
import type { Backend, Backends } from "./backends.ts";

export interface TcpBalancerOptions {
  readonly listen: readonly Endpoint[];
  readonly backends: Backends;
  readonly events?: BalancerEvents;
  onListening?(at: readonly Endpoint[]): void;
  onListenError?(error: NetError): void;
}

export interface BalancerEvents {
  /** A client was given to a machine. */
  onAssigned?(client: Endpoint, backend: Backend): void;
  /** A machine could not be had; another is tried, or with `last` the client is turned away. */
  onFailure?(backend: Backend, why: string, last: boolean): void;
}

const CONNECT_TIME = 5 * SECOND;
/** A machine that refused is left alone so long. */
const REST = 5 * SECOND;

export class TcpBalancer implements Engine {
  private readonly options: TcpBalancerOptions;
  private readonly listeners: TcpListener[] = [];
  private readonly joints = new Set<Joint>();
  private stopped: (() => void) | undefined = undefined;

  constructor(options: TcpBalancerOptions) {
    this.options = options;
  }

  start(host: Host): void {
    const { listen, backends, events = {} } = this.options;
    let waiting = listen.length;
    for (const local of listen) {
      this.listeners.push(
        host.listen(
          (client) => {
            const joint = new Joint(host, client, backends, events, () => {
              this.joints.delete(joint);
              if (this.joints.size === 0) this.stopped?.();
            });
            this.joints.add(joint);
            return joint.clientSide;
          },
          {
            local,
            onListening: () => {
              if (--waiting === 0)
                this.options.onListening?.(this.listeners.map((one) => one.local));
            },
            onListenError: (error) => this.options.onListenError?.(error),
          },
        ),
      );
    }
  }

  stop(graceful: boolean, done: () => void): void {
    for (const listener of this.listeners) listener.close();
    if (this.joints.size === 0) {
      done();
      return;
    }
    this.stopped = done;
    if (!graceful) for (const joint of this.joints) joint.reset();
  }
}

/** A client's connection and the one behind it. */
class Joint {
  readonly clientSide: TcpHandler;
  private readonly host: Host;
  private readonly client: TcpConnection;
  private readonly backends: Backends;
  private readonly events: BalancerEvents;
  private readonly onOver: () => void;
  private readonly tried = new Set<string>();
  private backend: Backend | undefined = undefined;
  private server: TcpConnection | undefined = undefined;
  private serverOpen = false;
  /** What the client sent before there was a machine. */
  private early: Uint8Array[] = [];
  private clientEnded = false;
  private clientClosed = false;
  private serverClosed = false;

  constructor(
    host: Host,
    client: TcpConnection,
    backends: Backends,
    events: BalancerEvents,
    onOver: () => void,
  ) {
    this.host = host;
    this.client = client;
    this.backends = backends;
    this.events = events;
    this.onOver = onOver;
    client.setNoDelay(true);
    this.clientSide = {
      onData: (data) => {
        if (this.serverOpen && this.server !== undefined) pass(data, this.server, client);
        else {
          this.early.push(new Uint8Array(data));
          client.pause();
        }
      },
      onEnd: () => {
        this.clientEnded = true;
        if (this.serverOpen) this.server?.end();
      },
      onDrain: () => this.server?.resume(),
      onClose: (cause) => this.clientGone(cause),
    };
    this.next();
  }

  private next(): void {
    const now = this.host.clock.now();
    const backend = this.backends.pick(now, this.client.remote.addr, this.tried);
    if (backend === undefined) {
      this.client.reset();
      return;
    }
    this.tried.add(backend.id);
    this.backend = backend;
    backend.active++;
    const handler: TcpHandler = {
      onOpen: (server) => this.opened(server, backend),
      onData: (data, server) => pass(data, this.client, server),
      onEnd: () => this.client.end(),
      onDrain: () => this.client.resume(),
      onClose: (cause, error) => this.serverGone(cause, error),
    };
    this.server = this.host.connect(handler, { remote: backend.at, timeout: CONNECT_TIME });
  }

  private opened(server: TcpConnection, backend: Backend): void {
    server.setNoDelay(true);
    this.serverOpen = true;
    backend.served++;
    this.events.onAssigned?.(this.client.remote, backend);
    for (const data of this.early.splice(0)) server.write(data);
    if (this.clientEnded) server.end();
    this.client.resume();
  }

  private serverGone(cause: CloseCause, error: NetError | null): void {
    const { backend } = this;
    if (backend !== undefined) backend.active--;
    if (!this.serverOpen && !this.clientClosed && backend !== undefined) {
      backend.failed++;
      backend.restUntil = this.host.clock.now() + REST;
      const left = this.backends.all.some(({ id, draining }) => !draining && !this.tried.has(id));
      this.events.onFailure?.(backend, error?.message ?? cause, !left);
      this.backend = undefined;
      this.next();
      return;
    }
    this.serverClosed = true;
    if (!this.clientClosed && cause !== "ended") this.client.reset();
    this.over();
  }

  private clientGone(cause: CloseCause): void {
    this.clientClosed = true;
    if (!this.serverClosed && this.server !== undefined && cause !== "ended") this.server.reset();
    this.over();
  }

  private over(): void {
    if (this.clientClosed && (this.serverClosed || this.server === undefined)) this.onOver();
  }

  reset(): void {
    this.client.reset();
    this.server?.reset();
  }
}

/** As fast as the other side takes it. */
function pass(data: Uint8Array, to: TcpConnection, from: TcpConnection): void {
  if (!to.write(new Uint8Array(data))) from.pause();
}

/** A server of HTTP/1.1 at some addresses: connections counted, ended gracefully. RFC 9112 9. */
import type { Endpoint, Engine, Host, NetError, TcpListener, TlsServer } from "../host.ts";
import type { RequestHandler, ServerEvents, ServerLimits } from "./server-connection.ts";
import { SERVER_LIMITS, ServerConnection } from "./server-connection.ts";

export interface ListenAddress {
  readonly addr: string;
  readonly port: number;
  readonly tls?: TlsServer | undefined;
}

export interface HttpServerOptions {
  readonly listen: readonly ListenAddress[];
  readonly limits?: Partial<ServerLimits>;
  /** Connections at once; past that the next ones wait to be accepted. */
  readonly connections?: number;
  readonly events?: ServerEvents;
  onListening?(at: readonly Endpoint[]): void;
  onListenError?(error: NetError): void;
}

const MAX_CONNECTIONS = 65_536;

export class HttpServer implements Engine {
  private readonly handler: RequestHandler;
  private readonly options: HttpServerOptions;
  private readonly limits: ServerLimits;
  private readonly listeners: TcpListener[] = [];
  private readonly connections = new Set<ServerConnection>();
  private stopped: (() => void) | undefined = undefined;

  constructor(handler: RequestHandler, options: HttpServerOptions) {
    this.handler = handler;
    this.options = options;
    this.limits = { ...SERVER_LIMITS, ...options.limits };
  }

  get open(): number {
    return this.connections.size;
  }

  start(host: Host): void {
    const { listen, events } = this.options;
    const most = this.options.connections ?? MAX_CONNECTIONS;
    let waiting = listen.length;
    let failed = false;
    for (const { addr, port, tls } of listen) {
      const listener = host.listen(
        (tcp) => {
          const connection = new ServerConnection(host, tcp, this.handler, this.limits, {
            ...events,
            onClosed: (closed) => {
              this.connections.delete(closed);
              if (this.connections.size === most - 1)
                for (const l of this.listeners) l.pauseAccept(false);
              events?.onClosed?.(closed);
              if (this.connections.size === 0) this.stopped?.();
            },
          });
          this.connections.add(connection);
          if (this.connections.size >= most) for (const l of this.listeners) l.pauseAccept(true);
          return connection;
        },
        {
          local: { addr, port },
          ...(tls === undefined ? {} : { tls }),
          onListening: () => {
            if (--waiting === 0 && !failed) {
              this.options.onListening?.(this.listeners.map(({ local }) => local));
            }
          },
          onListenError: (error) => {
            if (!failed) this.options.onListenError?.(error);
            failed = true;
          },
        },
      );
      this.listeners.push(listener);
    }
  }

  stop(graceful: boolean, done: () => void): void {
    for (const listener of this.listeners) listener.close();
    if (this.connections.size === 0) {
      done();
      return;
    }
    this.stopped = done;
    for (const connection of this.connections) {
      if (graceful) connection.drain();
      else connection.connection.reset();
    }
  }
}

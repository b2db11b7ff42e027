/** Listening and connecting of a simulated node. */
import type {
  ConnectOptions,
  Endpoint,
  ListenOptions,
  TcpConnection,
  TcpHandler,
  TcpListener,
} from "../../engines/host.ts";
import { HIGH_WATER } from "../../engines/host.ts";
import { netError } from "../net-error.ts";
import type { SimNode } from "./node.ts";
import type { Packet } from "./packet.ts";
import { connectionKey, SimTcp } from "./tcp/connection.ts";
import { SimTls } from "./tls.ts";

const SILENT: TcpHandler = { onData() {}, onClose() {} };

export class SimListener implements TcpListener {
  readonly local: Endpoint;
  open = 0;
  private readonly node: SimNode;
  private readonly accept: (connection: TcpConnection) => TcpHandler;
  private readonly options: ListenOptions;
  private paused = false;
  private closed = false;

  constructor(
    node: SimNode,
    accept: (connection: TcpConnection) => TcpHandler,
    options: ListenOptions,
  ) {
    this.node = node;
    this.accept = accept;
    this.options = options;
    const addr = options.local.addr ?? "0.0.0.0";
    const wanted = options.local.port ?? 0;
    const fault =
      node.bindFault(addr) ??
      (wanted !== 0 && !node.listeners.free(addr, wanted) ? "EADDRINUSE" : undefined);
    const port = wanted !== 0 ? wanted : node.ephemeralPort((p) => node.listeners.free(addr, p));
    this.local = { addr, port };
    if (fault !== undefined) {
      this.closed = true;
      node.clock.defer(() => options.onListenError?.(netError(fault, "listen", this.local)));
      return;
    }
    node.listeners.add(port, this);
    node.clock.defer(() => {
      if (!this.closed) options.onListening?.(this);
    });
  }

  takes(packet: Packet): boolean {
    const { addr } = this.local;
    return addr === packet.dst || addr === "0.0.0.0" || addr === "::";
  }

  /** A SYN for this port. While paused it is as if it had not come: the client sends it again. */
  syn(packet: Packet): void {
    if (this.paused) return;
    const { node, options } = this;
    const local = { addr: packet.dst, port: packet.dport };
    const remote = { addr: packet.src, port: packet.sport };
    const highWater = options.highWater ?? HIGH_WATER;
    const connection = new SimTcp(node, local, remote, SILENT, highWater, "syn-received");
    connection.answerSyn(packet, () => {
      if (options.tls === undefined) this.accepted(connection);
      else connection.tls = SimTls.server(connection, options.tls, () => this.accepted(connection));
    });
  }

  private accepted(connection: SimTcp): void {
    this.open++;
    connection.onGone = () => this.open--;
    connection.handler = this.accept(connection);
    connection.handler.onOpen?.(connection);
  }

  pauseAccept(on: boolean): void {
    this.paused = on;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.node.listeners.remove(this.local.port, this);
  }
}

export function simConnect(node: SimNode, handler: TcpHandler, options: ConnectOptions): SimTcp {
  const { remote, tls } = options;
  const wanted = options.local?.addr;
  const addr = wanted ?? node.sourceFor(remote.addr);
  const free = (port: number) =>
    !node.connections.has(connectionKey({ addr, port }, remote.addr, remote.port));
  const port = options.local?.port ?? 0;
  const local = { addr, port: port === 0 ? node.ephemeralPort(free) : port };
  const highWater = options.highWater ?? HIGH_WATER;
  const connection = new SimTcp(node, local, remote, handler, highWater, "syn-sent");
  const fault = wanted === undefined ? undefined : node.bindFault(wanted);
  if (fault !== undefined) {
    connection.finish("unreachable", netError(fault, "connect", remote));
    return connection;
  }
  if (tls !== undefined) {
    connection.tls = SimTls.client(connection, tls, () => connection.handler.onOpen?.(connection));
  }
  connection.open(options.timeout);
  return connection;
}

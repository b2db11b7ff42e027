/** UDP over node:dgram: one listener, no object and no closure per datagram. */
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Endpoint, UdpHandler, UdpOptions, UdpSocket } from "../../engines/host.ts";
import { MAX_DATAGRAM_BYTES } from "../../engines/host.ts";
import { netError } from "../net-error.ts";

type Lookup = (
  hostname: string,
  options: unknown,
  callback?: (error: null, address: string, family: number) => void,
) => void;

/** Addresses are literal here: dgram would ask the resolver of the system for each datagram. */
function literal(family: 4 | 6): Lookup {
  return (hostname, options, callback) => {
    const done = (callback ?? options) as (error: null, address: string, family: number) => void;
    done(null, hostname, family);
  };
}

const LITERAL_4 = literal(4);
const LITERAL_6 = literal(6);

export class LiveUdp implements UdpSocket {
  local: Endpoint = { addr: "0.0.0.0", port: 0 };
  private readonly socket: Socket;
  private readonly peer: Endpoint | undefined;
  private bound = false;
  private closed = false;
  /** What was sent before the socket was ready. */
  private waiting: (() => void)[] = [];

  constructor(handler: UdpHandler, options: UdpOptions, onClosed: (socket: LiveUdp) => void) {
    const { local = {}, connect } = options;
    this.peer = connect;
    const family = isIPv6(local.addr ?? connect?.addr ?? "") ? "udp6" : "udp4";
    const socketOptions = {
      type: family,
      lookup: family === "udp6" ? LITERAL_6 : LITERAL_4,
      ...(options.reusePort === true ? { reusePort: true } : {}),
    } as Parameters<typeof createSocket>[0];
    const socket = createSocket(socketOptions as never);
    this.socket = socket;
    const wanted = { addr: local.addr ?? "0.0.0.0", port: local.port ?? 0 };
    socket.on("message", (data, from) => {
      handler.onDatagram(data, from.address, from.port, this);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (this.closed) return;
      if (!this.bound) this.close();
      handler.onUdpError?.(
        netError(error.code ?? "EIO", error.syscall ?? "udp", connect ?? wanted),
        this,
      );
    });
    socket.on("close", () => onClosed(this));
    const ready = () => {
      if (this.closed) return;
      const { address, port } = socket.address();
      this.local = { addr: address, port };
      this.bound = true;
      for (const send of this.waiting) send();
      this.waiting = [];
      handler.onBound?.(this);
    };
    socket.bind(
      { port: local.port ?? 0, ...(local.addr === undefined ? {} : { address: local.addr }) },
      () => {
        if (connect === undefined) ready();
        else
          socket.connect(connect.port, connect.addr, ((error?: Error) => {
            if (error !== undefined && error !== null) socket.emit("error", error);
            else ready();
          }) as () => void);
      },
    );
  }

  send(data: Uint8Array, addr: string, port: number): boolean {
    if (data.length > MAX_DATAGRAM_BYTES)
      throw new RangeError(`a datagram of ${data.length} octets does not fit UDP`);
    // RFC 768: who sends from port 0 expects no answer, and dgram would throw.
    if (this.closed || (port === 0 && this.peer === undefined)) return false;
    if (!this.bound) {
      this.waiting.push(() => this.sendNow(data, addr, port));
      return true;
    }
    this.sendNow(data, addr, port);
    return true;
  }

  /**
   * A datagram that the kernel refuses is a lost datagram: the engines' retries are for that. Without
   * a callback dgram says nothing of it, and spares a tick for each that went out.
   */
  private sendNow(data: Uint8Array, addr: string, port: number): void {
    if (this.peer !== undefined) this.socket.send(data);
    else this.socket.send(data, port, addr);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close();
  }
}

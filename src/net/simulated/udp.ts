/** UDP of a simulated node. */
import type { Endpoint, UdpHandler, UdpOptions, UdpSocket } from "../../engines/host.ts";
import { MAX_DATAGRAM_BYTES } from "../../engines/host.ts";
import { netError } from "../net-error.ts";
import type { SimNode } from "./node.ts";
import { Packet, UDP } from "./packet.ts";

export class SimUdp implements UdpSocket {
  readonly local: Endpoint;
  readonly peer: Endpoint | undefined;
  private readonly handler: UdpHandler;
  private readonly node: SimNode;
  private readonly epoch: number;
  private closed = false;

  constructor(node: SimNode, handler: UdpHandler, options: UdpOptions) {
    this.node = node;
    this.epoch = node.epoch;
    this.handler = handler;
    this.peer = options.connect;
    const addr = options.local?.addr ?? (this.peer?.addr.includes(":") === true ? "::" : "0.0.0.0");
    const wanted = options.local?.port ?? 0;
    const fault = node.bindFault(addr);
    if (fault === undefined && wanted !== 0 && !node.udpPorts.free(addr, wanted, options.reusePort))
      this.fail("EADDRINUSE", { addr, port: wanted });
    else if (fault !== undefined) this.fail(fault, { addr, port: wanted });
    const port = wanted !== 0 ? wanted : node.ephemeralPort((p) => node.udpPorts.free(addr, p));
    this.local = { addr, port };
    if (this.closed) return;
    node.udpPorts.add(port, this);
    node.clock.defer(() => {
      if (!this.closed) handler.onBound?.(this);
    });
  }

  private fail(code: string, at: Endpoint): void {
    this.closed = true;
    this.node.clock.defer(() => this.handler.onUdpError?.(netError(code, "bind", at), this));
  }

  send(data: Uint8Array, addr: string, port: number): boolean {
    if (data.length > MAX_DATAGRAM_BYTES)
      throw new RangeError(`a datagram of ${data.length} octets does not fit UDP`);
    const { node, peer, local } = this;
    if (this.closed || node.epoch !== this.epoch) return false;
    const to = peer === undefined ? addr : peer.addr;
    const src = local.addr === "0.0.0.0" || local.addr === "::" ? node.sourceFor(to) : local.addr;
    const dport = peer === undefined ? port : peer.port;
    // RFC 768: who sends from port 0 expects no answer.
    if (dport === 0) return false;
    node.world.transmit(node.vertex, new Packet(UDP, src, local.port, to, dport, data));
    return true;
  }

  /** A datagram for this port. False: not from the peer that the socket is connected to. */
  takes(packet: Packet): boolean {
    const { peer, local } = this;
    if (local.addr !== packet.dst && local.addr !== "0.0.0.0" && local.addr !== "::") return false;
    return peer === undefined || (peer.addr === packet.src && peer.port === packet.sport);
  }

  deliver(packet: Packet): void {
    this.node.world.lend(packet.data, (data) =>
      this.handler.onDatagram(data, packet.src, packet.sport, this),
    );
  }

  /** RFC 1122 4.1.3.3: the peer's port is closed. */
  refused(): void {
    if (this.closed || this.peer === undefined) return;
    this.handler.onUdpError?.(netError("ECONNREFUSED", "recvmsg", this.peer), this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.node.udpPorts.remove(this.local.port, this);
  }
}

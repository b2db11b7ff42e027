/**
 * TCP of a simulated node, packet by packet (RFC 9293): opening, ending and resetting, with a sender
 * and a receiver that behave as those of Linux 6.18. What engines see of it is `TcpConnection`.
 */
import type {
  CloseCause,
  Endpoint,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  TlsClient,
} from "../../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../../engines/host.ts";
import { netError } from "../../net-error.ts";
import type { SimNode } from "../node.ts";
import { ACK, FIN, NO_BYTES, Packet, PSH, RST, resetFor, SYN, TCP } from "../packet.ts";
import { SimTls } from "../tls.ts";
import { FIRST_RECEIVE_WINDOW, MSS, SYN_GIVES_UP, SYN_TIMES, TIME_WAIT } from "./constants.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { KeepAliveTimer } from "./keep-alive.ts";
import { Receiver } from "./receiver.ts";
import { SendBuffer } from "./send-buffer.ts";
import { Sender } from "./sender.ts";

/** net.ipv4.tcp_synack_retries, each after twice the time. */
const SYN_ACK_RETRIES = 5;

/** How long a part of a segment waits for the rest. */
const LONGEST_HOLD = 200 * MILLISECOND;

type State = "syn-sent" | "syn-received" | "open" | "closed";

export function connectionKey(local: Endpoint, addr: string, port: number): string {
  return `${local.addr} ${local.port} ${addr} ${port}`;
}

export class SimTcp implements TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  handler: TcpHandler;
  readonly node: SimNode;
  private readonly highWater: number;
  private state: State;
  private readonly key: string;
  /** Sequence number of the SYN; octet 0 of the stream is the one behind it. */
  private readonly isn: number;
  private peerIsn = 0;
  private readonly out = new SendBuffer();
  readonly sender: Sender;
  readonly receiver: Receiver;
  private endWanted = false;
  private stopped = false;
  private feeding = false;
  private slowed = false;
  private retries = 0;
  /** Of SYNs; those of data are the sender's. */
  private readonly timer;
  private readonly openedAt: Nanos;
  private full = false;
  private idle: Nanos | undefined;
  private readonly idleTimer;
  private readonly holding;
  private lastActivity: Nanos = 0;
  private onAccepted: ((connection: SimTcp) => void) | undefined;
  private endTold = false;
  private keepAlive: KeepAliveTimer | undefined;
  tls: SimTls | undefined;
  /** Told when it has ended, before the handler. */
  onGone: (() => void) | undefined;

  constructor(
    node: SimNode,
    local: Endpoint,
    remote: Endpoint,
    handler: TcpHandler,
    highWater: number,
    state: State,
  ) {
    this.node = node;
    this.local = local;
    this.remote = remote;
    this.handler = handler;
    this.highWater = highWater;
    this.state = state;
    this.isn = node.world.sequence();
    this.key = connectionKey(local, remote.addr, remote.port);
    const { clock } = node;
    this.openedAt = clock.now();
    this.timer = clock.timer(() => this.synTimedOut());
    this.idleTimer = clock.timer(() => this.checkIdle());
    this.holding = clock.timer(() => {
      this.sender.held = false;
      this.sender.flush();
    });
    const port = { now: () => clock.now(), timer: (fire: () => void) => clock.timer(fire) };
    this.sender = new Sender(
      this.out,
      {
        ...port,
        transmit: (offset, length, fin, push) => this.transmitData(offset, length, fin, push),
        resending: () => {
          node.resentAt.push(clock.now());
        },
        gaveUp: () => this.finish("timeout", this.fault("ETIMEDOUT", "read")),
      },
      { mss: MSS, congestion: node.world.congestion },
    );
    this.receiver = new Receiver({
      ...port,
      acknowledge: () => this.acknowledge(),
      timeout: () => this.sender.trips.rto,
      roundTrip: () => this.sender.trips.srtt,
    });
    node.connections.set(this.key, this);
  }

  get buffered(): number {
    return this.out.pending;
  }

  secure(tls: TlsClient): void {
    this.tls = SimTls.client(this, tls, () => this.handler.onOpen?.(this));
    this.tls.start();
  }

  /** The client's SYN; `timeout`: after which it gives up. */
  open(timeout: Nanos | undefined): void {
    this.transmit(SYN, -1, NO_BYTES);
    this.timer.armAt(this.openedAt + (SYN_TIMES[0] as Nanos));
    const limit = this.node.clock.timer(() => {
      if (this.state === "syn-sent") this.finish("timeout", this.fault("ETIMEDOUT", "connect"));
    });
    limit.armAt(this.openedAt + (timeout ?? SYN_GIVES_UP));
  }

  /** The server's answer to a SYN. */
  answerSyn(syn: Packet, accepted: (connection: SimTcp) => void): void {
    this.peerIsn = syn.seq;
    this.receiver.echo = syn.stamp;
    this.onAccepted = accepted;
    this.transmit(SYN | ACK, -1, NO_BYTES);
    this.timer.armAt(this.node.clock.now() + SECOND);
  }

  private fault(code: string, syscall: string): NetError {
    return netError(code, syscall, this.remote);
  }

  private transmit(flags: number, offset: number, data: Uint8Array): void {
    const { node, local, remote, receiver } = this;
    const acknowledges = (flags & ACK) !== 0;
    let window = FIRST_RECEIVE_WINDOW;
    let sacks: readonly number[] | undefined;
    if ((flags & SYN) === 0) {
      window = receiver.window();
      sacks = receiver.sacks()?.map((edge) => (this.peerIsn + 1 + edge) >>> 0);
    }
    const packet = new Packet(
      TCP,
      local.addr,
      local.port,
      remote.addr,
      remote.port,
      data,
      flags,
      (this.isn + 1 + offset) >>> 0,
      acknowledges ? (this.peerIsn + 1 + receiver.next) >>> 0 : 0,
      window,
      node.clock.now() + 1,
      receiver.echo,
      sacks,
    );
    if (acknowledges && (flags & SYN) === 0) receiver.told(window);
    if (!node.world.transmit(node.vertex, packet) && this.state === "syn-sent")
      this.finish("unreachable", this.fault("EHOSTUNREACH", "connect"));
  }

  private transmitData(offset: number, length: number, fin: boolean, push: boolean): void {
    if (length > 0) this.receiver.dataSent();
    const flags = ACK | (push && length > 0 ? PSH : 0) | (fin ? FIN : 0);
    this.transmit(flags, offset, length > 0 ? this.out.read(offset, length) : NO_BYTES);
  }

  private acknowledge(): void {
    if (this.state === "open") this.transmit(ACK, this.sendNext, NO_BYTES);
    else if (this.state === "closed" && this.endTold) this.transmit(ACK, this.sendNext, NO_BYTES);
  }

  /** Offset that a segment without data carries. */
  private get sendNext(): number {
    return this.out.sent + (this.sender.finSent ? 1 : 0);
  }

  write(data: Uint8Array, more?: boolean): boolean {
    if (this.state === "closed" || this.endWanted) return false;
    if (data.length > 0) {
      this.out.push(data);
      this.touch();
    }
    this.hold(more === true);
    if (this.state === "open") this.sender.wrote(false);
    const ok = this.buffered <= this.highWater;
    if (!ok) this.full = true;
    return ok;
  }

  /** What is announced to be followed waits for it, as with MSG_MORE of Linux. */
  private hold(more: boolean): void {
    this.sender.held = more;
    this.holding.armAt(more ? this.node.clock.now() + LONGEST_HOLD : undefined);
  }

  end(): void {
    if (this.state === "closed" || this.endWanted) return;
    this.endWanted = true;
    this.hold(false);
    if (this.state === "open") this.sender.wrote(true);
  }

  reset(): void {
    if (this.state === "closed") return;
    if (this.state !== "syn-sent") this.transmit(RST | ACK, this.sendNext, NO_BYTES);
    this.finish("local", null);
  }

  /** An abrupt end whose cause the handler is told. */
  resetWith(cause: CloseCause, error: NetError): void {
    if (this.state === "closed") return;
    this.transmit(RST | ACK, this.sendNext, NO_BYTES);
    this.finish(cause, error);
  }

  pause(): void {
    this.stopped = true;
  }

  resume(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.feed();
  }

  setNoDelay(on: boolean): void {
    this.sender.noDelay = on;
    if (on && this.state === "open") this.sender.flush();
  }

  setIdleTimeout(idle: Nanos): void {
    this.idle = idle > 0 ? idle : undefined;
    this.touch();
    this.idleTimer.armAt(this.idle === undefined ? undefined : this.lastActivity + this.idle);
  }

  private touch(): void {
    this.lastActivity = this.node.clock.now();
  }

  private checkIdle(): void {
    if (this.idle === undefined || this.state === "closed") return;
    const due = this.lastActivity + this.idle;
    if (due > this.node.clock.now()) this.idleTimer.armAt(due);
    else {
      this.transmit(RST | ACK, this.sendNext, NO_BYTES);
      this.finish("idle", null);
    }
  }

  private synTimedOut(): void {
    this.retries++;
    if (this.state === "syn-sent") {
      this.transmit(SYN, -1, NO_BYTES);
      const next = SYN_TIMES[this.retries];
      this.timer.armAt(next === undefined ? undefined : this.openedAt + next);
    } else if (this.state === "syn-received") {
      if (this.retries > SYN_ACK_RETRIES) {
        this.finish("timeout", this.fault("ETIMEDOUT", "read"));
        return;
      }
      this.transmit(SYN | ACK, -1, NO_BYTES);
      this.timer.armAt(this.node.clock.now() + SECOND * 2 ** this.retries);
    }
  }

  /** A segment of this connection. */
  segment(packet: Packet): void {
    if (this.state === "closed") {
      if ((packet.flags & FIN) !== 0) this.acknowledge();
      return;
    }
    if ((packet.flags & RST) !== 0) {
      this.wasReset();
      return;
    }
    this.touch();
    this.keepAlive?.alive();
    if (this.state === "syn-sent") {
      if ((packet.flags & (SYN | ACK)) !== (SYN | ACK)) return;
      if (!this.acknowledgesSyn(packet)) return this.refuse(packet);
      this.peerIsn = packet.seq;
      this.receiver.echo = packet.stamp;
      this.opened(packet);
      this.acknowledge();
      if (this.tls === undefined) this.handler.onOpen?.(this);
      else this.tls.start();
      this.sendEarly();
      return;
    }
    if ((packet.flags & SYN) !== 0) {
      if (this.state === "syn-received") this.transmit(SYN | ACK, -1, NO_BYTES);
      else this.acknowledge();
      return;
    }
    if (this.state === "syn-received") {
      if ((packet.flags & ACK) === 0) return;
      if (!this.acknowledgesSyn(packet)) return this.refuse(packet);
      this.opened(packet);
      this.onAccepted?.(this);
      this.sendEarly();
    }
    const offset = this.offsetOf(packet);
    // RFC 7323 4.3: before anything is sent in answer.
    this.receiver.stamped(offset, packet.stamp);
    this.acknowledged(packet);
    this.arrived(packet, offset);
  }

  /** RFC 9293 3.5.2: another number is of an earlier connection of these ports, half of which is left. */
  private acknowledgesSyn({ ack }: Packet): boolean {
    return ack === (this.isn + 1) >>> 0;
  }

  private refuse(packet: Packet): void {
    this.node.world.transmit(this.node.vertex, resetFor(packet));
  }

  /** Where a segment begins in the peer's stream. */
  private offsetOf(packet: Packet): number {
    const { next } = this.receiver;
    return next + ((packet.seq - (this.peerIsn + 1 + next)) | 0);
  }

  private opened(packet: Packet): void {
    this.state = "open";
    const { keepAlive } = this.node.world;
    if (keepAlive !== undefined) this.watch(keepAlive);
    this.timer.armAt(undefined);
    const sent = packet.echo > 0 ? packet.echo - 1 : this.openedAt;
    this.receiver.opened();
    this.sender.opened(this.node.clock.now() - sent, packet.window);
  }

  private watch(times: KeepAlive): void {
    const { clock } = this.node;
    this.keepAlive = new KeepAliveTimer(
      {
        now: () => clock.now(),
        timer: (fire) => clock.timer(fire),
        quiet: () => !this.sender.outstanding,
        // An octet that the peer has already makes it answer.
        probe: () => this.transmit(ACK, this.sendNext - 1, NO_BYTES),
        gaveUp: () => this.finish("timeout", this.fault("ETIMEDOUT", "read")),
      },
      times,
    );
  }

  /** What was written before the connection was open. */
  private sendEarly(): void {
    if (this.state === "open" && (this.out.end > this.out.sent || this.endWanted))
      this.sender.wrote(this.endWanted);
  }

  /** A reset came, from the peer or from one who pretends to be it. */
  wasReset(): void {
    if (this.state === "closed") return;
    if (this.state === "syn-sent") this.finish("refused", this.fault("ECONNREFUSED", "connect"));
    else if (this.receiver.finished) this.finish("reset", this.fault("EPIPE", "write"));
    else this.finish("reset", this.fault("ECONNRESET", "read"));
  }

  private acknowledged(packet: Packet): void {
    if ((packet.flags & ACK) === 0) return;
    const { sender, out } = this;
    const base = this.isn + 1;
    const offset = (wire: number) => out.acked + ((wire - (base + out.acked)) | 0);
    sender.acknowledged({
      ack: offset(packet.ack),
      window: packet.window,
      sacks: packet.sacks?.map(offset),
      echo: packet.echo > 0 ? packet.echo - 1 : 0,
      hasData: packet.data.length > 0 || (packet.flags & FIN) !== 0,
    });
    if (this.state !== "open") return;
    sender.flush();
    if (this.full && this.buffered <= this.highWater / 2) {
      this.full = false;
      this.handler.onDrain?.(this);
    }
    this.finishIfDone();
  }

  private arrived(packet: Packet, offset: number): void {
    if (this.state !== "open") return;
    const { data } = packet;
    const { receiver } = this;
    const fin = (packet.flags & FIN) !== 0;
    if (data.length === 0 && !fin) {
      // RFC 9293 3.10.7.4: what lies outside the window, as a probe does, is answered.
      if (offset < receiver.next) this.acknowledge();
      return;
    }
    receiver.roundTrip(data.length, packet.echo > 0 ? packet.echo - 1 : 0);
    receiver.arrived(offset, data, fin, (packet.flags & PSH) !== 0);
    receiver.decide();
    this.feed();
  }

  /** Hands what waits to the handler, at the speed at which the node reads. */
  private feed(): void {
    if (this.feeding || this.slowed || this.stopped) return;
    const { receiver } = this;
    const { waiting } = receiver;
    this.feeding = true;
    while (waiting.length > 0 && !this.stopped && !this.slowed && this.state === "open") {
      const data = waiting.shift() as Uint8Array;
      receiver.took(data.length);
      const { readRate } = this.node;
      if (readRate !== undefined) this.slowDown((data.length / readRate) * SECOND);
      this.give(data);
    }
    this.feeding = false;
    if (this.state !== "open") return;
    receiver.afterRead();
    if (receiver.finished && waiting.length === 0 && !this.stopped && !this.slowed) this.tellEnd();
  }

  private give(data: Uint8Array): void {
    if (this.tls !== undefined && !this.tls.done) this.tls.data(data);
    else this.node.world.lend(data, (lent) => this.handler.onData(lent, this));
  }

  /** What came behind the last octet of a handshake. */
  giveBack(data: Uint8Array): void {
    if (data.length === 0) return;
    this.receiver.waiting.unshift(data);
    this.receiver.took(-data.length);
  }

  private slowDown(time: Nanos): void {
    this.slowed = true;
    const timer = this.node.clock.timer(() => {
      this.slowed = false;
      this.feed();
    });
    timer.armAt(this.node.clock.now() + Math.ceil(time));
  }

  private tellEnd(): void {
    if (this.endTold || this.state !== "open") return;
    this.endTold = true;
    this.handler.onEnd?.(this);
    this.finishIfDone();
  }

  private finishIfDone(): void {
    if (this.endTold && this.sender.finAcked && this.state === "open") this.finish("ended", null);
  }

  /** Told by `onClose`, at this instant but not inside the call. */
  finish(cause: CloseCause, error: NetError | null): void {
    if (this.state === "closed") return;
    // The last acknowledgment is not held back.
    if (cause === "ended") this.receiver.settle();
    this.state = "closed";
    this.stopTimers();
    const forget = () => {
      if (this.node.connections.get(this.key) === this) this.node.connections.delete(this.key);
    };
    if (cause === "ended") this.node.clock.timer(forget).armAt(this.node.clock.now() + TIME_WAIT);
    else forget();
    this.onGone?.();
    this.node.clock.defer(() => this.handler.onClose(cause, error, this));
  }

  private stopTimers(): void {
    this.timer.armAt(undefined);
    this.idleTimer.armAt(undefined);
    this.holding.armAt(undefined);
    this.keepAlive?.stop();
    this.sender.stop();
    this.receiver.stop();
  }

  /** It has ended; a new connection may take its place. */
  get over(): boolean {
    return this.state === "closed";
  }

  /** The node is gone: nothing is sent and nobody is told. */
  vanish(): void {
    this.state = "closed";
  }
}

/**
 * TCP of a simulated node at message level: segments with sequence numbers, acknowledgments, a
 * receive window, retransmission and orderly or abrupt ends; no congestion control. RFC 9293.
 */
import type {
  CloseCause,
  Endpoint,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  TlsClient,
} from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import { netError } from "../net-error.ts";
import type { SimNode } from "./node.ts";
import { ACK, FIN, NO_BYTES, Packet, PSH, RST, SYN, TCP } from "./packet.ts";
import { SendBuffer } from "./send-buffer.ts";
import { SimTls } from "./tls.ts";

const MSS = 1448;
/** Without window scaling. */
const RECEIVE_WINDOW = 65_535;
/** Linux 6.18: when a SYN that nobody answers is sent again, and when it gives up. */
const SYN_TIMES = [1, 2, 3, 4, 5, 7, 11, 19.5].map((s) => s * SECOND);
const SYN_GIVES_UP = 36 * SECOND;
const MIN_RTO = 200 * MILLISECOND;
const MAX_RTO = 120 * SECOND;
/** net.ipv4.tcp_retries2. */
const MAX_RETRIES = 15;
const FAST_RETRANSMIT_ACKS = 3;
/** How long the last acknowledgment may be asked for again (RFC 9293 3.6.1: 2 MSL; Linux). */
const TIME_WAIT = 60 * SECOND;

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
  private endWanted = false;
  private finSent = false;
  private finAcked = false;
  private peerWindow = RECEIVE_WINDOW;
  private received = 0;
  private peerFinAt: number | undefined;
  private peerFin = false;
  private readonly early = new Map<number, Uint8Array>();
  private readonly waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private stopped = false;
  private feeding = false;
  private ackWanted = false;
  private retries = 0;
  private rto: Nanos = SECOND;
  private readonly timer;
  private readonly openedAt: Nanos;
  private duplicateAcks = 0;
  private recoverTo = 0;
  private full = false;
  private idle: Nanos | undefined;
  private readonly idleTimer;
  private lastActivity: Nanos = 0;
  private onAccepted: ((connection: SimTcp) => void) | undefined;
  private endTold = false;
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
    this.openedAt = node.clock.now();
    this.timer = node.clock.timer(() => this.timedOut());
    this.idleTimer = node.clock.timer(() => this.checkIdle());
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
    this.onAccepted = accepted;
    this.transmit(SYN | ACK, -1, NO_BYTES);
    this.timer.armAt(this.node.clock.now() + SECOND);
  }

  private fault(code: string, syscall: string): NetError {
    return netError(code, syscall, this.remote);
  }

  private transmit(flags: number, offset: number, data: Uint8Array): void {
    const { node, local, remote } = this;
    const ack = (flags & ACK) === 0 ? 0 : this.peerIsn + 1 + this.received + (this.peerFin ? 1 : 0);
    const window = Math.max(0, RECEIVE_WINDOW - this.waitingBytes);
    const seq = (this.isn + 1 + offset) >>> 0;
    const packet = new Packet(
      TCP,
      local.addr,
      local.port,
      remote.addr,
      remote.port,
      data,
      flags,
      seq,
      ack >>> 0,
      window,
    );
    if (!node.world.transmit(node.vertex, packet) && this.state === "syn-sent")
      this.finish("unreachable", this.fault("EHOSTUNREACH", "connect"));
  }

  write(data: Uint8Array, _more?: boolean): boolean {
    if (this.state === "closed" || this.endWanted) return false;
    if (data.length > 0) {
      this.out.push(data);
      this.touch();
      this.flush();
    }
    const ok = this.buffered <= this.highWater;
    if (!ok) this.full = true;
    return ok;
  }

  end(): void {
    if (this.state === "closed" || this.endWanted) return;
    this.endWanted = true;
    this.flush();
  }

  reset(): void {
    if (this.state === "closed") return;
    if (this.state !== "syn-sent") this.transmit(RST | ACK, this.out.sent, NO_BYTES);
    this.finish("local", null);
  }

  /** An abrupt end whose cause the handler is told. */
  resetWith(cause: CloseCause, error: NetError): void {
    if (this.state === "closed") return;
    this.transmit(RST | ACK, this.out.sent, NO_BYTES);
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

  setNoDelay(): void {}

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
      this.transmit(RST | ACK, this.out.sent, NO_BYTES);
      this.finish("idle", null);
    }
  }

  /** Sends what the peer's window takes, and the FIN behind the last octet. */
  private flush(): void {
    if (this.state !== "open") return;
    const { out } = this;
    const limit = out.acked + this.peerWindow;
    while (out.sent < out.end && out.sent < limit) {
      const offset = out.sent;
      const data = out.read(offset, Math.min(MSS, out.end - offset, limit - offset));
      out.sent += data.length;
      this.transmit(out.sent === out.end ? PSH | ACK : ACK, offset, data);
    }
    if (this.endWanted && !this.finSent && out.sent === out.end) {
      this.finSent = true;
      this.transmit(FIN | ACK, out.end, NO_BYTES);
    }
    this.armRetransmission();
  }

  private get outstanding(): boolean {
    return this.out.acked < this.out.sent || (this.finSent && !this.finAcked);
  }

  private armRetransmission(): void {
    const wanted = this.outstanding || this.out.sent < this.out.end;
    if (!wanted) this.timer.armAt(undefined);
    else if (!this.timer.armed) this.timer.armAt(this.node.clock.now() + this.rto);
  }

  private timedOut(): void {
    if (this.state === "closed") return;
    const now = this.node.clock.now();
    this.retries++;
    if (this.state === "syn-sent") {
      this.transmit(SYN, -1, NO_BYTES);
      const next = SYN_TIMES[this.retries];
      this.timer.armAt(next === undefined ? undefined : this.openedAt + next);
      return;
    }
    if (this.retries > MAX_RETRIES) {
      this.finish("timeout", this.fault("ETIMEDOUT", "read"));
      return;
    }
    if (this.state === "syn-received") this.transmit(SYN | ACK, -1, NO_BYTES);
    else this.retransmit();
    this.rto = Math.min(this.rto * 2, MAX_RTO);
    this.timer.armAt(now + this.rto);
  }

  /** The first segment that is not acknowledged; with a closed window an octet before it, as a probe (RFC 9293 3.8.6.1). */
  private retransmit(): void {
    const { out } = this;
    this.recoverTo = out.sent;
    if (out.acked < out.sent) {
      const length = Math.min(MSS, out.sent - out.acked);
      this.transmit(ACK, out.acked, out.read(out.acked, length));
    } else if (this.finSent) this.transmit(FIN | ACK, out.end, NO_BYTES);
    else this.transmit(ACK, out.acked - 1, NO_BYTES);
  }

  /** A segment of this connection. */
  segment(packet: Packet): void {
    if (this.state === "closed") {
      if ((packet.flags & FIN) !== 0) this.wantAck();
      return;
    }
    if ((packet.flags & RST) !== 0) {
      this.wasReset();
      return;
    }
    this.touch();
    if (this.state === "syn-sent") {
      if ((packet.flags & (SYN | ACK)) !== (SYN | ACK)) return;
      this.peerIsn = packet.seq;
      this.transmitOpen();
      this.transmit(ACK, 0, NO_BYTES);
      if (this.tls === undefined) this.handler.onOpen?.(this);
      else this.tls.start();
      return;
    }
    if ((packet.flags & SYN) !== 0) {
      if (this.state === "syn-received") this.transmit(SYN | ACK, -1, NO_BYTES);
      else this.wantAck();
      return;
    }
    if (this.state === "syn-received") {
      if ((packet.flags & ACK) === 0) return;
      this.transmitOpen();
      this.onAccepted?.(this);
    }
    this.acknowledged(packet);
    this.arrived(packet);
  }

  private transmitOpen(): void {
    this.state = "open";
    this.retries = 0;
    this.timer.armAt(undefined);
    const roundTrip = this.node.clock.now() - this.openedAt;
    this.rto = Math.max(MIN_RTO + roundTrip, roundTrip * 2);
    if (this.out.end > 0 || this.endWanted) this.node.clock.defer(() => this.flush());
  }

  /** A reset came, from the peer or from one who pretends to be it. */
  wasReset(): void {
    if (this.state === "closed") return;
    if (this.state === "syn-sent") this.finish("refused", this.fault("ECONNREFUSED", "connect"));
    else if (this.peerFin) this.finish("reset", this.fault("EPIPE", "write"));
    else this.finish("reset", this.fault("ECONNRESET", "read"));
  }

  private acknowledged(packet: Packet): void {
    if ((packet.flags & ACK) === 0) return;
    const { out } = this;
    const offset = out.acked + ((packet.ack - (this.isn + 1 + out.acked)) | 0);
    const opened = packet.window > this.peerWindow;
    this.peerWindow = packet.window;
    const data = Math.min(offset, out.end);
    // RFC 9293 3.8.6.1: probes of a closed window go on for as long as they are answered.
    if (!this.outstanding) this.retries = 0;
    if (offset > out.end && this.finSent) this.finAcked = true;
    if (data > out.acked) {
      out.release(Math.min(data, out.sent));
      this.retries = 0;
      this.duplicateAcks = 0;
      this.timer.armAt(undefined);
      if (out.acked < this.recoverTo) this.retransmit();
    } else if (out.acked < out.sent && packet.data.length === 0 && !opened) {
      if (++this.duplicateAcks === FAST_RETRANSMIT_ACKS) this.retransmit();
    }
    if (this.finAcked) this.timer.armAt(undefined);
    this.flush();
    if (this.full && this.buffered <= this.highWater / 2) {
      this.full = false;
      this.handler.onDrain?.(this);
    }
    this.finishIfDone();
  }

  private arrived(packet: Packet): void {
    if (this.state !== "open") return;
    const { data } = packet;
    const offset = this.received + ((packet.seq - (this.peerIsn + 1 + this.received)) | 0);
    if ((packet.flags & FIN) !== 0) this.peerFinAt ??= offset + data.length;
    if (data.length === 0 && (packet.flags & FIN) === 0) {
      if (offset < this.received) this.wantAck();
      return;
    }
    this.wantAck();
    if (data.length > 0 && offset - this.received < RECEIVE_WINDOW) {
      const known = this.early.get(offset);
      if (known === undefined || known.length < data.length) this.early.set(offset, data);
    }
    this.takeInOrder();
    this.feed();
  }

  /** Moves what is in order from `early` to `waiting`. */
  private takeInOrder(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [offset, data] of this.early) {
        if (offset > this.received) continue;
        this.early.delete(offset);
        const fresh = offset + data.length - this.received;
        if (fresh <= 0 || this.waitingBytes >= RECEIVE_WINDOW) continue;
        this.waiting.push(fresh === data.length ? data : data.subarray(data.length - fresh));
        this.waitingBytes += fresh;
        this.received += fresh;
        moved = true;
      }
    }
    if (this.peerFinAt === this.received) this.peerFin = true;
  }

  /** Hands what waits to the handler, at the speed at which the node reads. */
  private feed(): void {
    if (this.feeding || this.stopped) return;
    const closedWindow = this.waitingBytes >= RECEIVE_WINDOW - MSS;
    while (this.waiting.length > 0 && !this.stopped && this.state === "open") {
      const data = this.waiting.shift() as Uint8Array;
      this.waitingBytes -= data.length;
      const { readRate } = this.node;
      if (readRate !== undefined) this.slowDown((data.length / readRate) * SECOND);
      this.give(data);
      if (this.feeding) break;
    }
    if (closedWindow && this.waitingBytes < RECEIVE_WINDOW - MSS) this.wantAck();
    if (this.peerFin && this.waiting.length === 0 && !this.stopped && !this.feeding) this.tellEnd();
  }

  private give(data: Uint8Array): void {
    if (this.tls !== undefined && !this.tls.done) this.tls.data(data);
    else this.node.world.lend(data, (lent) => this.handler.onData(lent, this));
  }

  /** What came behind the last octet of a handshake. */
  giveBack(data: Uint8Array): void {
    if (data.length === 0) return;
    this.waiting.unshift(data);
    this.waitingBytes += data.length;
  }

  private slowDown(time: Nanos): void {
    this.feeding = true;
    const timer = this.node.clock.timer(() => {
      this.feeding = false;
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
    if (this.endTold && this.finAcked && this.state === "open") this.finish("ended", null);
  }

  /** One acknowledgment for all that arrives at this instant. */
  private wantAck(): void {
    if (this.ackWanted) return;
    this.ackWanted = true;
    this.node.clock.defer(() => {
      this.ackWanted = false;
      if (this.state === "open") this.transmit(ACK, this.out.sent, NO_BYTES);
      else if (this.state === "closed" && this.endTold)
        this.transmit(ACK, this.out.end + 1, NO_BYTES);
    });
  }

  /** Told by `onClose`, at this instant but not inside the call. */
  finish(cause: CloseCause, error: NetError | null): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.timer.armAt(undefined);
    this.idleTimer.armAt(undefined);
    const forget = () => {
      if (this.node.connections.get(this.key) === this) this.node.connections.delete(this.key);
    };
    if (cause === "ended") this.node.clock.timer(forget).armAt(this.node.clock.now() + TIME_WAIT);
    else forget();
    this.onGone?.();
    this.node.clock.defer(() => this.handler.onClose(cause, error, this));
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

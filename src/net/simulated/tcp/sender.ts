/**
 * The sending half of a connection: cuts the stream into segments when they leave, and finds and
 * mends losses. SACK (RFC 2018, 6675) with RACK and tail loss probes (RFC 8985), proportional rate
 * reduction (RFC 6937), F-RTO (RFC 5682), Eifel undo (RFC 4015), window validation (RFC 2861, 7661).
 */
import type { Nanos, Timer } from "../../../engines/host.ts";
import type { Acknowledgment } from "./acknowledgment.ts";
import type { CongestionControl } from "./congestion.ts";
import { Window } from "./congestion.ts";
import { JIFFY, MAX_RETRIES, MAX_RTO, NO_THRESHOLD } from "./constants.ts";
import { Reduction } from "./prr.ts";
import { RetransmissionTimer } from "./retransmission-timer.ts";
import { RoundTrips } from "./rtt.ts";
import { Outcome, Scoreboard } from "./scoreboard.ts";
import type { SendBuffer } from "./send-buffer.ts";
import { Sent } from "./sent.ts";
import { Undo } from "./undo.ts";
import { Validation } from "./validation.ts";

/** What a sender does to its connection. */
export interface SenderPort {
  now(): Nanos;
  timer(fire: () => void): Timer;
  /** Puts a segment on its way. */
  transmit(offset: number, length: number, fin: boolean, push: boolean): void;
  /** The segment that is transmitted next was sent before. */
  resending(): void;
  /** Answers to probes and retransmissions stayed away for too long. */
  gaveUp(): void;
}

export interface SenderOptions {
  readonly mss: number;
  readonly congestion: (window: Window, now: Nanos) => CongestionControl;
}

export type Recovery = "open" | "disorder" | "cwr" | "recovery" | "loss";

export class Sender {
  readonly window = new Window();
  readonly trips = new RoundTrips();
  recovery: Recovery = "open";
  /** Octets that the peer takes behind what it acknowledged. */
  peerWindow = 0;
  finSent = false;
  finAcked = false;
  private finWanted = false;
  /** A short segment waits for what is written next at this instant. */
  held = false;
  noDelay = false;
  private readonly out: SendBuffer;
  private readonly port: SenderPort;
  private readonly mss: number;
  private readonly control: CongestionControl;
  private readonly board = new Scoreboard();
  private readonly timer: RetransmissionTimer;
  /** Offsets of the first octet not acknowledged and not sent, the FIN counted. */
  private una = 0;
  private next = 0;
  private lastSent: Nanos = 0;
  private readonly validation: Validation;
  private readonly reduction = new Reduction();
  private readonly undoing = new Undo();
  private probeEnd = 0;
  private probeAgain = false;
  private frto = false;
  private probes = 0;

  constructor(out: SendBuffer, port: SenderPort, options: SenderOptions) {
    this.out = out;
    this.port = port;
    this.mss = options.mss;
    this.control = options.congestion(this.window, port.now());
    const { now, timer } = port;
    this.timer = new RetransmissionTimer(now, timer, this.trips, () => this.fired());
    this.validation = new Validation(this.window, port.now());
  }

  private get packetsOut(): number {
    return this.board.queue.length;
  }

  private get inFlight(): number {
    return this.board.inFlight;
  }

  get outstanding(): boolean {
    return this.board.queue.length > 0;
  }

  /** The round trip of the handshake. */
  opened(rtt: Nanos, peerWindow: number): void {
    this.peerWindow = peerWindow;
    this.trips.sample(rtt, 0, 0);
    this.trips.minimumSample(rtt, false);
    this.validation.restart(this.port.now());
  }

  stop(): void {
    this.timer.stop();
  }

  private currentThreshold(): number {
    const { cwnd, ssthresh } = this.window;
    if (this.recovery === "cwr" || this.recovery === "recovery") return ssthresh;
    return Math.max(ssthresh, (cwnd >> 1) + (cwnd >> 2));
  }

  /** Something was written, or the end was asked for. */
  wrote(fin: boolean): void {
    this.finWanted = fin;
    const idle = this.port.now() - this.lastSent;
    const { rto } = this.trips;
    if (this.packetsOut === 0 && this.lastSent > 0 && idle > rto)
      this.validation.afterIdle(idle, rto, this.currentThreshold(), this.port.now());
    this.flush();
  }

  /** Sends what windows allow. */
  flush(): void {
    const { out, window, mss } = this;
    let sent = 0;
    const group = window.piece(this.trips.srtt);
    for (;;) {
      const left = out.end - this.next;
      const finLeft = this.finWanted && !this.finSent;
      if (left <= 0 && !finLeft) break;
      if (this.inFlight >= window.cwnd) break;
      const room = this.una + this.peerWindow - this.next;
      let length = left < mss ? left : mss;
      if (length > room) {
        // RFC 9293 3.8.6.2.1: a piece of a segment goes only where nothing else is on its way.
        if (room <= 0 || this.packetsOut > 0) break;
        length = room;
      }
      const last = length === left;
      if (length < mss && !this.finWanted && last && this.waits()) break;
      sent++;
      const closes = last || this.inFlight + 1 >= window.cwnd || sent % group === 0;
      this.sendNew(length, last && finLeft, last || (sent > 1 && closes));
    }
    const limited = this.inFlight >= window.cwnd;
    if (sent > 0 || limited) this.validate(limited);
    if (sent > 0) {
      this.armProbe(false);
      return;
    }
    if (
      this.packetsOut === 0 &&
      !this.timer.armed &&
      (out.end > this.next || (this.finWanted && !this.finSent))
    )
      this.armWindowProbe();
  }

  /** Nagle (RFC 9293 3.7.4), and what `more` holds back. */
  private waits(): boolean {
    return this.held || (!this.noDelay && this.packetsOut > 0);
  }

  private sendNew(length: number, fin: boolean, push: boolean): void {
    const now = this.port.now();
    if (this.packetsOut === 0)
      this.control.restarted(now, this.lastSent === 0 ? now : this.lastSent);
    const end = this.next + length + (fin ? 1 : 0);
    const segment = new Sent(this.next, end, fin, now);
    const first = this.packetsOut === 0;
    this.board.queue.push(segment);
    this.lastSent = now;
    if (fin) this.finSent = true;
    const offset = this.next;
    this.next = end;
    this.out.sent = Math.max(this.out.sent, offset + length);
    if (this.inReduction) this.reduction.sentOne();
    this.port.transmit(offset, length, fin, push);
    if (first || this.timer.kind === "probe") this.armRto();
  }

  private get inReduction(): boolean {
    return this.recovery === "cwr" || this.recovery === "recovery";
  }

  private validate(limited: boolean): void {
    const now = this.port.now();
    const { validation } = this;
    const idle = validation.sent(
      limited,
      this.packetsOut,
      this.una,
      this.next,
      now,
      this.trips.rto,
    );
    if (!idle) return;
    if (this.recovery === "open") validation.shrink(this.currentThreshold(), now);
    else validation.restart(now);
  }

  /** An acknowledgment came; what it allows to be sent is sent by the `flush` that must follow. */
  acknowledged(a: Acknowledgment): void {
    if (a.ack > this.next) return;
    const now = this.port.now();
    const outcome = new Outcome();
    const priorUna = this.una;
    const priorLost = this.board.lost;
    const priorAgain = this.board.again;
    const hadOut = this.packetsOut > 0;
    const priorSacked = this.board.highSacked;
    const moved = a.window !== this.peerWindow;
    if (a.ack >= this.una) {
      if (a.window > 0 && this.peerWindow === 0) this.probes = 0;
      this.peerWindow = a.window;
    }
    outcome.notDuplicate = a.hasData || moved || a.ack > priorUna;
    outcome.advanced = a.ack > priorUna;
    const trip = { now, least: this.trips.least };
    if (a.sacks !== undefined && hadOut) {
      const fresh = this.recovery === "loss";
      const duplicate = this.board.selective(a.sacks, a.ack, this.next, trip, outcome, fresh);
      if (duplicate !== undefined) this.undoing.reported(duplicate);
    }
    if (outcome.advanced) {
      if (this.board.cumulative(a.ack, priorSacked, trip, outcome)) this.finAcked = true;
      this.una = a.ack;
      this.out.release(Math.min(a.ack, this.out.sent));
      this.timer.backoff = 0;
      this.probes = 0;
    }
    if (!hadOut) {
      this.answeredProbe();
      return;
    }
    this.measure(a, now, priorUna, outcome);
    if (this.probeEnd > 0) this.probeAnswered(a.ack, outcome);
    let resend = false;
    if (
      !outcome.notDuplicate ||
      outcome.sackedData ||
      outcome.duplicate ||
      this.recovery !== "open"
    ) {
      resend = this.react(a, now, priorUna, priorAgain, outcome);
    }
    if (outcome.armTimer) this.armProbe(true);
    outcome.lost = Math.max(0, this.board.lost - priorLost);
    this.adjust(outcome, now);
    if (resend) this.retransmitLost();
  }

  private measure(a: Acknowledgment, now: Nanos, priorUna: number, outcome: Outcome): void {
    let oldest: Nanos = -1;
    let newest: Nanos = -1;
    if (outcome.firstAcked >= 0 && !outcome.retransmissionArrived) {
      oldest = now - outcome.firstAcked;
      newest = now - outcome.lastAcked;
    }
    let bySack: Nanos = -1;
    if (outcome.firstSacked >= 0) {
      bySack = now - outcome.firstSacked;
      newest = now - outcome.lastSacked;
    }
    if (oldest < 0) oldest = bySack;
    // RFC 7323 4: the echoed timestamp, where what was acknowledged had been sent twice.
    if (oldest < 0 && outcome.advanced && a.echo > 0) {
      oldest = now - a.echo;
      newest = oldest;
    }
    const head = this.board.queue.oldest;
    if (outcome.advanced) outcome.armTimer = true;
    else if (outcome.sackedData && bySack >= 0 && head !== undefined && bySack > now - head.sentAt)
      outcome.armTimer = true;
    if (oldest >= 0) {
      const lone =
        outcome.ackedSegments === 1 && this.board.sacked === 0 && a.ack - priorUna < this.mss;
      this.trips.minimumSample(newest, lone);
      this.trips.sample(oldest, this.una, this.next);
    }
    if (outcome.overtaken) this.board.rack.reordered = true;
    if (newest >= 0) this.control.measured(newest, now, this.una, this.next);
  }

  /** RFC 8985 7.4. */
  private probeAnswered(ack: number, outcome: Outcome): void {
    if (ack < this.probeEnd) return;
    if (!this.probeAgain || outcome.duplicate) this.probeEnd = 0;
    else if (ack > this.probeEnd) {
      this.beginReduction();
      this.window.cwnd = this.window.ssthresh;
      this.recovery = "open";
    } else if (!outcome.advanced && !outcome.notDuplicate && !outcome.sackedData) this.probeEnd = 0;
  }

  private beginReduction(): void {
    const { window } = this;
    this.board.highest = this.next;
    this.probeEnd = 0;
    window.resetCount();
    this.reduction.begin(window.cwnd);
    window.ssthresh = this.control.threshold();
  }

  private rememberForUndo(): void {
    this.undoing.remember(this.una, this.window, this.currentThreshold(), this.board.again);
  }

  /** Steps of an acknowledgment that is not plain. True: what is lost may be sent again now. */
  private react(
    a: Acknowledgment,
    now: Nanos,
    priorUna: number,
    priorAgain: number,
    outcome: Outcome,
  ): boolean {
    if (this.recovery === "open") this.undoing.calm();
    else if (this.una >= this.board.highest) {
      if (this.recovery === "cwr" && this.una !== this.board.highest) this.endReduction();
      else if (this.recovery === "recovery") {
        this.undo(a.echo);
        this.endReduction();
      }
    }
    if (this.recovery === "loss") {
      const fresh = this.afterTimeout(a, outcome);
      this.identify(now, outcome, priorAgain);
      if (this.recovery === "loss" && !outcome.lostAgain) return !fresh;
    } else {
      this.identify(now, outcome, priorAgain);
      if (this.recovery === "recovery") {
        if (outcome.advanced && priorUna !== this.una) this.partialUndo(a.echo);
        if (this.recovery === "recovery") return true;
      }
    }
    if (this.board.lost === 0) {
      this.keepOpen();
      return false;
    }
    this.enterRecovery();
    return true;
  }

  private identify(now: Nanos, outcome: Outcome, priorAgain: number): void {
    if (!this.board.rack.takeAdvanced()) return;
    this.detect(now, outcome);
    if (priorAgain > this.board.again && this.board.lost > 0 && !outcome.retransmissionArrived)
      outcome.lostAgain = true;
  }

  private detect(now: Nanos, outcome: Outcome | undefined): void {
    const { trips } = this;
    const recovering = this.recovery === "recovery" || this.recovery === "loss";
    const window = this.board.rack.reorderWindow(
      recovering,
      this.board.sacked,
      trips.least,
      trips.srtt,
    );
    const wait = this.board.rack.detect(this.board.queue, now, window, (segment) =>
      this.board.lose(segment),
    );
    if (wait > 0) {
      if (outcome !== undefined) outcome.armTimer = false;
      this.timer.arm("reorder", wait + 2 * JIFFY);
    }
  }

  private keepOpen(): void {
    if (this.recovery === "cwr" || this.recovery === "loss") return;
    const state =
      this.board.sacked > 0 || this.board.lost > 0 || this.board.again > 0 ? "disorder" : "open";
    if (state !== this.recovery) {
      this.recovery = state;
      this.board.highest = this.next;
    }
  }

  private enterRecovery(): void {
    this.rememberForUndo();
    if (!this.inReduction) this.beginReduction();
    this.recovery = "recovery";
  }

  private endReduction(): void {
    if (this.window.ssthresh < NO_THRESHOLD && (this.recovery === "cwr" || this.undoing.possible)) {
      this.window.cwnd = this.window.ssthresh;
      this.validation.restart(this.port.now());
    }
    this.recovery = "open";
  }

  /** Takes back what a recovery did that was not needed. */
  private undo(echo: Nanos): boolean {
    if (!this.undoing.vain(echo)) return false;
    this.undoing.restore(this.window);
    this.board.rack.reordered = true;
    return true;
  }

  private partialUndo(echo: Nanos): void {
    if (!this.undoing.premature(echo) || !this.undoing.possible || this.board.again > 0) return;
    this.board.findLost();
    if (this.undo(echo)) this.recovery = "open";
  }

  /** Acknowledgments after a timeout; true: new data instead of retransmissions (RFC 5682 2.1, step 2b). */
  private afterTimeout(a: Acknowledgment, outcome: Outcome): boolean {
    const recovered = this.una >= this.board.highest;
    if (outcome.advanced && this.undoing.premature(a.echo)) {
      this.undoLoss();
      return false;
    }
    if (this.frto) {
      if (outcome.originalArrived) {
        this.undoLoss();
        return false;
      }
      if (this.next > this.board.highest) {
        if (outcome.sackedData || !outcome.advanced) this.frto = false;
      } else if (outcome.advanced && !recovered) {
        this.board.highest = this.next;
        if (this.out.end > this.next && this.una + this.peerWindow > this.next) return true;
        this.frto = false;
      }
    }
    if (recovered) {
      this.undo(a.echo);
      this.recovery = "open";
      this.undoing.forget();
    }
    return false;
  }

  private undoLoss(): void {
    this.board.findLost();
    this.undoing.restore(this.window);
    this.timer.backoff = 0;
    this.frto = false;
    this.recovery = "open";
  }

  private adjust(outcome: Outcome, now: Nanos): void {
    if (this.inReduction) this.reduce(outcome);
    else if (outcome.advanced && outcome.delivered > 0) {
      if (this.validation.full) this.control.grow(outcome.delivered, now);
      this.validation.acknowledged(now);
    }
  }

  private reduce(outcome: Outcome): void {
    const progress = outcome.advanced && outcome.lost === 0;
    this.reduction.adjust(this.window, this.board.inFlight, outcome.delivered, progress);
  }

  private retransmitLost(): void {
    const { queue } = this.board;
    if (this.board.lost === 0) return;
    let armed = false;
    for (let i = 0; i < queue.length; i++) {
      const segment = queue.at(i);
      if (this.inFlight >= this.window.cwnd) break;
      if (segment.sacked || !segment.lost || segment.again) continue;
      this.sendAgain(segment);
      if (i === 0 && this.timer.kind !== "reorder") armed = true;
    }
    if (armed) this.armRto();
  }

  private sendAgain(segment: Sent): void {
    const now = this.port.now();
    this.board.resent(segment, now);
    this.port.resending();
    this.lastSent = now;
    this.undoing.resent(now);
    if (this.inReduction) this.reduction.sentOne();
    const length = segment.end - segment.start - (segment.fin ? 1 : 0);
    this.port.transmit(segment.start, length, segment.fin, segment.end >= this.out.end);
  }

  private armRto(): void {
    this.timer.armTimeout(this.board.queue.oldest?.sentAt);
  }

  private armProbe(advancing: boolean): void {
    const head = this.board.queue.oldest;
    if (head === undefined || (this.recovery !== "open" && this.recovery !== "cwr")) {
      if (advancing) this.armRto();
    } else this.timer.armProbe(head.sentAt, this.packetsOut === 1, advancing);
  }

  private armWindowProbe(): void {
    this.timer.arm("window", Math.min(this.timer.timeout * 2 ** this.probes, MAX_RTO));
  }

  private answeredProbe(): void {
    if (this.timer.kind !== "window") return;
    if (this.peerWindow > 0) {
      this.stop();
      this.probes = 0;
    } else this.armWindowProbe();
  }

  private fired(): void {
    const kind = this.timer.kind;
    switch (kind) {
      case "rto":
        this.timedOut();
        return;
      case "probe":
        this.probe();
        return;
      case "reorder":
        this.reorderTimedOut();
        return;
      case "window":
        this.probeWindow();
        return;
      case "none":
        return;
    }
  }

  /** RFC 9293 3.8.6.1: an octet that the peer has already makes it tell its window. */
  private probeWindow(): void {
    if (++this.probes > MAX_RETRIES) {
      this.port.gaveUp();
      return;
    }
    this.port.transmit(this.una - 1, 0, false, false);
    this.armWindowProbe();
  }

  private probe(): void {
    if (this.probeEnd > 0) {
      this.timer.kind = "probe";
      this.armRto();
      return;
    }
    const { out, mss } = this;
    const left = out.end - this.next;
    const room = this.una + this.peerWindow - this.next;
    const newData = left > 0 && room >= Math.min(left, mss);
    if (newData) this.sendNew(Math.min(left, mss), this.finWanted && left <= mss, left <= mss);
    else {
      const last = this.board.queue.newest;
      if (last === undefined) return;
      this.sendAgain(last);
    }
    this.probeAgain = !newData;
    this.probeEnd = this.next;
    // The timeout counts from the probe on.
    this.timer.kind = "none";
    this.armRto();
  }

  private reorderTimedOut(): void {
    const now = this.port.now();
    const before = this.inFlight;
    this.timer.kind = "none";
    this.detect(now, undefined);
    if (this.inFlight !== before) {
      if (this.recovery !== "recovery" && this.recovery !== "loss") {
        this.enterRecovery();
        const outcome = new Outcome();
        outcome.delivered = 1;
        this.reduce(outcome);
      }
      this.retransmitLost();
    }
    if (!this.timer.armed) {
      this.timer.kind = "reorder";
      this.armRto();
    }
  }

  private timedOut(): void {
    const now = this.port.now();
    if (this.packetsOut === 0) return;
    if (this.timer.backoff >= MAX_RETRIES) {
      this.port.gaveUp();
      return;
    }
    this.enterLoss(now);
    this.retransmitLost();
    this.timer.backoff++;
    this.timer.arm("rto", this.timer.timeout);
  }

  private enterLoss(now: Nanos): void {
    const { window } = this;
    const fresh = this.recovery !== "recovery" && this.recovery !== "loss";
    this.board.loseAll(now);
    if (
      fresh ||
      this.una >= this.board.highest ||
      (this.recovery === "loss" && this.timer.backoff === 0)
    ) {
      this.rememberForUndo();
      window.ssthresh = this.control.threshold();
    }
    this.control.timedOut(now, this.next);
    window.cwnd = this.inFlight + 1;
    window.resetCount();
    this.validation.restart(now);
    this.recovery = "loss";
    this.board.highest = this.next;
    this.probeEnd = 0;
    this.frto = fresh || this.timer.backoff > 0;
  }
}

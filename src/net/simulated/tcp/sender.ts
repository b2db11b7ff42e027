/**
 * The sending half of a connection: cuts the stream into segments when they leave, and finds and
 * mends losses. SACK (RFC 2018, 6675) with RACK and tail loss probes (RFC 8985), proportional rate
 * reduction (RFC 6937), F-RTO (RFC 5682), Eifel undo (RFC 4015), window validation (RFC 2861, 7661).
 */
import type { Nanos, Timer } from "../../../engines/host.ts";
import { MICROSECOND, MILLISECOND } from "../../../engines/host.ts";
import type { CongestionControl } from "./congestion.ts";
import { Window } from "./congestion.ts";
import {
  FIRST_RTO,
  INITIAL_WINDOW,
  JIFFY,
  MAX_RETRIES,
  MAX_RTO,
  MIN_RTO,
  NO_THRESHOLD,
} from "./constants.ts";
import { expiry } from "./jiffies.ts";
import { Rack } from "./rack.ts";
import { RoundTrips } from "./rtt.ts";
import type { SendBuffer } from "./send-buffer.ts";
import { Sent, SentQueue } from "./sent.ts";

/** What a sender does to its connection. */
export interface SenderPort {
  now(): Nanos;
  timer(fire: () => void): Timer;
  /** Puts a segment on its way. */
  transmit(offset: number, length: number, fin: boolean, push: boolean): void;
  /** Answers to probes and retransmissions stayed away for too long. */
  gaveUp(): void;
}

/** An acknowledgment, in offsets of the stream that it is for. */
export interface Acknowledgment {
  readonly ack: number;
  /** Octets behind `ack` that the peer takes. */
  readonly window: number;
  /** Blocks `[start, end)`, alternating; the first may tell of a duplicate (RFC 2883). */
  readonly sacks: readonly number[] | undefined;
  /** When the segment that is acknowledged was sent: the echoed timestamp. */
  readonly echo: Nanos;
  /** The segment carries data of its own. */
  readonly hasData: boolean;
}

export interface SenderOptions {
  readonly mss: number;
  readonly congestion: (window: Window, now: Nanos) => CongestionControl;
}

export type Recovery = "open" | "disorder" | "cwr" | "recovery" | "loss";
type TimerKind = "none" | "rto" | "probe" | "reorder" | "window";

/** What an acknowledgment brought. */
class Outcome {
  advanced = false;
  sackedData = false;
  originalArrived = false;
  duplicate = false;
  notDuplicate = false;
  retransmissionArrived = false;
  armTimer = false;
  delivered = 0;
  lost = 0;
  lostAgain = false;
  firstAcked: Nanos = -1;
  lastAcked: Nanos = -1;
  firstSacked: Nanos = -1;
  lastSacked: Nanos = -1;
  ackedSegments = 0;
  /** Something that was sent once arrived after what was sent behind it. */
  overtaken = false;
}

export class Sender {
  readonly window = new Window();
  readonly trips = new RoundTrips();
  recovery: Recovery = "open";
  /** Segments sent, and those sent again. */
  segments = 0;
  retransmissions = 0;
  timeouts = 0;
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
  private readonly queue = new SentQueue();
  private readonly rack = new Rack();
  private readonly timer: Timer;
  private timerKind: TimerKind = "none";
  private backoff = 0;
  /** Offsets of the first octet not acknowledged and not sent, the FIN counted. */
  private una = 0;
  private next = 0;
  private sacked = 0;
  private lost = 0;
  private again = 0;
  private highest = 0;
  private highSacked = 0;
  private lastBlocks: readonly number[] = [];
  private lastSent: Nanos = 0;
  /** Congestion window validation. */
  private limited = false;
  private limitedUntil = 0;
  private mostOut = 0;
  private used = 0;
  private usedAt: Nanos = 0;
  /** PRR. */
  private priorWindow = 0;
  private prrDelivered = 0;
  private prrOut = 0;
  private probeEnd = 0;
  private probeAgain = false;
  private frto = false;
  /** Undo: undefined when there is nothing to undo. */
  private undoFrom: number | undefined;
  private undoWindow = 0;
  private undoThreshold = 0;
  private undoAgain = 0;
  private firstAgain: Nanos = 0;
  private probes = 0;

  constructor(out: SendBuffer, port: SenderPort, options: SenderOptions) {
    this.out = out;
    this.port = port;
    this.mss = options.mss;
    this.control = options.congestion(this.window, port.now());
    this.timer = port.timer(() => this.fired());
    this.usedAt = port.now();
  }

  private get packetsOut(): number {
    return this.queue.length;
  }

  private get inFlight(): number {
    return this.packetsOut - this.sacked - this.lost + this.again;
  }

  get outstanding(): boolean {
    return this.queue.length > 0;
  }

  /** The round trip of the handshake. */
  opened(rtt: Nanos, peerWindow: number): void {
    this.peerWindow = peerWindow;
    this.trips.sample(rtt, 0, 0);
    this.trips.minimumSample(rtt, false);
    this.usedAt = this.port.now();
  }

  stop(): void {
    this.timer.armAt(undefined);
    this.timerKind = "none";
  }

  /** RFC 2861, 5681 4.1: after an idle time of a timeout the window falls back to the initial one. */
  private restartAfterIdle(now: Nanos): void {
    if (this.packetsOut > 0 || this.lastSent === 0) return;
    const { window } = this;
    let idle = now - this.lastSent;
    const { rto } = this.trips;
    if (idle <= rto) return;
    window.ssthresh = this.currentThreshold();
    const restart = Math.min(INITIAL_WINDOW, window.cwnd);
    for (idle -= rto; idle > 0 && window.cwnd > restart; idle -= rto) window.cwnd >>= 1;
    window.cwnd = Math.max(window.cwnd, restart);
    this.usedAt = now;
    this.used = 0;
  }

  private currentThreshold(): number {
    const { cwnd, ssthresh } = this.window;
    if (this.recovery === "cwr" || this.recovery === "recovery") return ssthresh;
    return Math.max(ssthresh, (cwnd >> 1) + (cwnd >> 2));
  }

  /** Something was written, or the end was asked for. */
  wrote(fin: boolean): void {
    this.finWanted = fin;
    this.restartAfterIdle(this.port.now());
    this.flush();
  }

  /** Sends what windows allow. */
  flush(): void {
    const { out, window, mss } = this;
    let sent = 0;
    const group = this.burst;
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

  /** Segments that Linux hands to the device in one piece, about a millisecond's: the last carries PSH. */
  private get burst(): number {
    const { trips, window, mss } = this;
    if (!trips.known) return 2;
    const bytes = ((window.slowStart ? 2 : 1.2) * window.cwnd * mss * MILLISECOND) / trips.srtt;
    return Math.max(2, Math.floor(bytes / mss));
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
    this.queue.push(segment);
    this.segments++;
    this.lastSent = now;
    if (fin) this.finSent = true;
    const offset = this.next;
    this.next = end;
    this.out.sent = Math.max(this.out.sent, offset + length);
    if (this.inReduction) this.prrOut++;
    this.port.transmit(offset, length, fin, push);
    if (first || this.timerKind === "probe") this.armRto();
  }

  private get inReduction(): boolean {
    return this.recovery === "cwr" || this.recovery === "recovery";
  }

  /** RFC 7661, as Linux counts: a window that was not filled does not grow. */
  private validate(limited: boolean): void {
    const { window } = this;
    const now = this.port.now();
    const out = this.packetsOut;
    if (this.una >= this.limitedUntil || limited || (!this.limited && out > this.mostOut)) {
      this.limited = limited;
      this.mostOut = out;
      this.limitedUntil = this.next;
    }
    if (this.windowLimited) {
      this.used = 0;
      this.usedAt = now;
      return;
    }
    if (out > this.used) this.used = out;
    if (now - this.usedAt < this.trips.rto) return;
    if (this.recovery === "open") {
      const used = Math.max(this.used, INITIAL_WINDOW);
      if (used < window.cwnd) {
        window.ssthresh = this.currentThreshold();
        window.cwnd = (window.cwnd + used) >> 1;
      }
      this.used = 0;
    }
    this.usedAt = now;
  }

  private get windowLimited(): boolean {
    if (this.limited) return true;
    return this.window.slowStart && this.window.cwnd < 2 * this.mostOut;
  }

  /** An acknowledgment came; what it allows to be sent is sent by the `flush` that must follow. */
  acknowledged(a: Acknowledgment): void {
    if (a.ack > this.next) return;
    const now = this.port.now();
    const outcome = new Outcome();
    const priorUna = this.una;
    const priorLost = this.lost;
    const priorAgain = this.again;
    const hadOut = this.packetsOut > 0;
    const priorSacked = this.highSacked;
    const moved = a.window !== this.peerWindow;
    if (a.ack >= this.una) {
      if (a.window > 0 && this.peerWindow === 0) this.probes = 0;
      this.peerWindow = a.window;
    }
    outcome.notDuplicate = a.hasData || moved || a.ack > priorUna;
    outcome.advanced = a.ack > priorUna;
    if (a.sacks !== undefined && hadOut) this.selective(a.sacks, a.ack, now, outcome);
    if (outcome.advanced) this.cumulative(a.ack, priorSacked, now, outcome);
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
    outcome.lost = Math.max(0, this.lost - priorLost);
    this.adjust(outcome, now);
    if (resend) this.retransmitLost();
  }

  private selective(blocks: readonly number[], ack: number, now: Nanos, outcome: Outcome): void {
    let from = 0;
    const first = blocks[0] as number;
    const firstEnd = blocks[1] as number;
    // RFC 2883 4: a first block below the acknowledgment, or within the second, is of a duplicate.
    const inside =
      blocks.length >= 4 && first >= (blocks[2] as number) && firstEnd <= (blocks[3] as number);
    if (first < ack || inside) {
      outcome.duplicate = true;
      if (this.undoFrom !== undefined && this.undoAgain > 0 && firstEnd > this.undoFrom)
        this.undoAgain--;
      from = 2;
    }
    const ranges: [number, number][] = [];
    for (let i = from; i + 1 < blocks.length; i += 2) {
      const start = blocks[i] as number;
      const end = blocks[i + 1] as number;
      if (end > ack && end <= this.next && start < end) ranges.push([start, end]);
    }
    ranges.sort((a, b) => a[0] - b[0]);
    for (const [start, end] of ranges) this.mark(this.unseenFrom(start, end), end, now, outcome);
    this.lastBlocks = blocks;
  }

  /** Where a block goes on beyond one that was told before. */
  private unseenFrom(start: number, end: number): number {
    const { lastBlocks } = this;
    for (let i = 0; i + 1 < lastBlocks.length; i += 2) {
      const known = lastBlocks[i + 1] as number;
      if (lastBlocks[i] === start && known <= end && this.recovery !== "loss") return known;
    }
    return start;
  }

  private mark(start: number, end: number, now: Nanos, outcome: Outcome): void {
    const { queue } = this;
    for (let i = queue.find(start); i < queue.length; i++) {
      const segment = queue.at(i);
      if (segment.end > end) break;
      if (segment.start < start || segment.sacked) continue;
      this.rack.delivered(segment, now, this.trips.least);
      if (segment.again) {
        segment.again = false;
        this.again--;
      } else if (!segment.everAgain) {
        if (segment.start < this.highSacked) outcome.overtaken = true;
        if (segment.end <= this.highest) outcome.originalArrived = true;
        if (outcome.firstSacked < 0) outcome.firstSacked = segment.sentAt;
        outcome.lastSacked = segment.sentAt;
      }
      if (segment.lost) {
        segment.lost = false;
        this.lost--;
      }
      segment.sacked = true;
      queue.unlink(segment);
      this.sacked++;
      outcome.delivered++;
      outcome.sackedData = true;
      if (segment.end > this.highSacked) this.highSacked = segment.end;
    }
  }

  private cumulative(ack: number, priorSacked: number, now: Nanos, outcome: Outcome): void {
    const { queue } = this;
    for (let segment = queue.oldest; segment !== undefined; segment = queue.oldest) {
      if (segment.end > ack) {
        if (segment.start < ack) segment.start = ack;
        break;
      }
      if (segment.everAgain) {
        if (segment.again) {
          this.again--;
          outcome.retransmissionArrived = true;
        }
      } else if (!segment.sacked) {
        outcome.lastAcked = segment.sentAt;
        if (outcome.firstAcked < 0) outcome.firstAcked = segment.sentAt;
        if (segment.start < priorSacked) outcome.overtaken = true;
        if (segment.end <= this.highest) outcome.originalArrived = true;
      }
      if (segment.sacked) this.sacked--;
      else {
        outcome.delivered++;
        this.rack.delivered(segment, now, this.trips.least);
      }
      if (segment.lost) this.lost--;
      if (segment.fin) this.finAcked = true;
      outcome.ackedSegments++;
      queue.shift();
    }
    this.una = ack;
    if (this.queue.length === 0) this.lastBlocks = [];
    this.out.release(Math.min(ack, this.out.sent));
    this.backoff = 0;
    this.probes = 0;
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
    const head = this.queue.oldest;
    if (outcome.advanced) outcome.armTimer = true;
    else if (outcome.sackedData && bySack >= 0 && head !== undefined && bySack > now - head.sentAt)
      outcome.armTimer = true;
    if (oldest >= 0) {
      const lone = outcome.ackedSegments === 1 && this.sacked === 0 && a.ack - priorUna < this.mss;
      this.trips.minimumSample(newest, lone);
      this.trips.sample(oldest, this.una, this.next);
    }
    if (outcome.overtaken) this.rack.reordered = true;
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
    this.highest = this.next;
    this.probeEnd = 0;
    window.resetCount();
    this.priorWindow = window.cwnd;
    this.prrDelivered = 0;
    this.prrOut = 0;
    window.ssthresh = this.control.threshold();
  }

  private rememberForUndo(): void {
    this.undoFrom = this.una;
    this.undoAgain = this.again > 0 ? this.again : -1;
    this.undoWindow = this.window.cwnd;
    this.undoThreshold = this.currentThreshold();
  }

  /** Steps of an acknowledgment that is not plain. True: what is lost may be sent again now. */
  private react(
    a: Acknowledgment,
    now: Nanos,
    priorUna: number,
    priorAgain: number,
    outcome: Outcome,
  ): boolean {
    if (this.recovery === "open") this.firstAgain = 0;
    else if (this.una >= this.highest) {
      if (this.recovery === "cwr" && this.una !== this.highest) this.endReduction();
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
    if (this.lost === 0) {
      this.keepOpen();
      return false;
    }
    this.enterRecovery();
    return true;
  }

  private identify(now: Nanos, outcome: Outcome, priorAgain: number): void {
    if (!this.rack.takeAdvanced()) return;
    this.detect(now, outcome);
    if (priorAgain > this.again && this.lost > 0 && !outcome.retransmissionArrived)
      outcome.lostAgain = true;
  }

  private detect(now: Nanos, outcome: Outcome | undefined): void {
    const { trips } = this;
    const recovering = this.recovery === "recovery" || this.recovery === "loss";
    const window = this.rack.reorderWindow(recovering, this.sacked, trips.least, trips.srtt);
    const wait = this.rack.detect(this.queue, now, window, (segment) => this.lose(segment));
    if (wait > 0) {
      if (outcome !== undefined) outcome.armTimer = false;
      this.arm("reorder", expiry(now, wait + 2 * JIFFY));
    }
  }

  private lose(segment: Sent): void {
    if (segment.again) {
      segment.again = false;
      this.again--;
    }
    if (!segment.lost) {
      segment.lost = true;
      this.lost++;
    }
  }

  private keepOpen(): void {
    if (this.recovery === "cwr" || this.recovery === "loss") return;
    const state = this.sacked > 0 || this.lost > 0 || this.again > 0 ? "disorder" : "open";
    if (state !== this.recovery) {
      this.recovery = state;
      this.highest = this.next;
    }
  }

  private enterRecovery(): void {
    this.rememberForUndo();
    if (!this.inReduction) this.beginReduction();
    this.recovery = "recovery";
  }

  private endReduction(): void {
    if (
      this.window.ssthresh < NO_THRESHOLD &&
      (this.recovery === "cwr" || this.undoFrom !== undefined)
    ) {
      this.window.cwnd = this.window.ssthresh;
      this.usedAt = this.port.now();
    }
    this.recovery = "open";
  }

  /** RFC 4015 3: the peer acknowledged what was sent before the first retransmission. */
  private premature(echo: Nanos): boolean {
    return this.firstAgain > 0 && echo > 0 && echo < this.firstAgain;
  }

  /** Takes back what a recovery did that was not needed. */
  private undo(echo: Nanos): boolean {
    if (this.undoFrom === undefined) return false;
    const needed = this.undoAgain !== 0 && !this.premature(echo);
    if (needed) return false;
    this.window.cwnd = Math.max(this.window.cwnd, this.undoWindow);
    this.window.ssthresh = Math.max(this.window.ssthresh, this.undoThreshold);
    this.undoFrom = undefined;
    this.rack.reordered = true;
    return true;
  }

  private partialUndo(echo: Nanos): void {
    if (this.undoFrom === undefined || !this.premature(echo) || this.again > 0) return;
    for (let i = 0; i < this.queue.length; i++) this.queue.at(i).lost = false;
    this.lost = 0;
    if (this.undo(echo)) this.recovery = "open";
  }

  /** Acknowledgments after a timeout; true: new data instead of retransmissions (RFC 5682 2.1, step 2b). */
  private afterTimeout(a: Acknowledgment, outcome: Outcome): boolean {
    const recovered = this.una >= this.highest;
    if (outcome.advanced && this.premature(a.echo)) {
      this.undoLoss();
      return false;
    }
    if (this.frto) {
      if (outcome.originalArrived) {
        this.undoLoss();
        return false;
      }
      if (this.next > this.highest) {
        if (outcome.sackedData || !outcome.advanced) this.frto = false;
      } else if (outcome.advanced && !recovered) {
        this.highest = this.next;
        if (this.out.end > this.next && this.una + this.peerWindow > this.next) return true;
        this.frto = false;
      }
    }
    if (recovered) {
      this.undo(a.echo);
      this.recovery = "open";
      this.undoFrom = undefined;
    }
    return false;
  }

  private undoLoss(): void {
    for (let i = 0; i < this.queue.length; i++) {
      const segment = this.queue.at(i);
      if (segment.lost) {
        segment.lost = false;
        if (!segment.sacked) this.queue.link(segment);
      }
    }
    this.lost = 0;
    if (this.undoFrom !== undefined) {
      this.window.cwnd = Math.max(this.window.cwnd, this.undoWindow);
      this.window.ssthresh = Math.max(this.window.ssthresh, this.undoThreshold);
      this.undoFrom = undefined;
    }
    this.backoff = 0;
    this.frto = false;
    this.recovery = "open";
  }

  private adjust(outcome: Outcome, now: Nanos): void {
    if (this.inReduction) this.reduce(outcome);
    else if (outcome.advanced && outcome.delivered > 0 && this.windowLimited)
      this.control.grow(outcome.delivered, now);
  }

  /** RFC 6937, with the reduction bound of slow start in use while nothing more is lost. */
  private reduce(outcome: Outcome): void {
    const { window } = this;
    if (outcome.delivered <= 0 || this.priorWindow === 0) return;
    this.prrDelivered += outcome.delivered;
    const missing = window.ssthresh - this.inFlight;
    let count: number;
    if (missing < 0) {
      count =
        Math.floor(
          (window.ssthresh * this.prrDelivered + this.priorWindow - 1) / this.priorWindow,
        ) - this.prrOut;
    } else {
      count = Math.max(this.prrDelivered - this.prrOut, outcome.delivered);
      if (outcome.advanced && outcome.lost === 0) count++;
      count = Math.min(missing, count);
    }
    count = Math.max(count, this.prrOut > 0 ? 0 : 1);
    window.cwnd = this.inFlight + count;
  }

  private retransmitLost(): void {
    const { queue } = this;
    if (this.lost === 0) return;
    let armed = false;
    for (let i = 0; i < queue.length; i++) {
      const segment = queue.at(i);
      if (this.inFlight >= this.window.cwnd) break;
      if (segment.sacked || !segment.lost || segment.again) continue;
      this.sendAgain(segment);
      if (i === 0 && this.timerKind !== "reorder") armed = true;
    }
    if (armed) this.armRto();
  }

  private sendAgain(segment: Sent): void {
    const now = this.port.now();
    segment.sentAt = now;
    if (!segment.again) {
      segment.again = true;
      this.again++;
    }
    segment.everAgain = true;
    this.queue.link(segment);
    this.retransmissions++;
    this.segments++;
    this.lastSent = now;
    if (this.firstAgain === 0) this.firstAgain = now;
    if (this.undoAgain < 0) this.undoAgain = 0;
    this.undoAgain++;
    if (this.inReduction) this.prrOut++;
    const length = segment.end - segment.start - (segment.fin ? 1 : 0);
    this.port.transmit(segment.start, length, segment.fin, segment.end >= this.out.end);
  }

  private arm(kind: TimerKind, at: Nanos): void {
    this.timerKind = kind;
    this.timer.armAt(at);
  }

  private get timeout(): Nanos {
    const base = this.trips.known ? this.trips.rto : FIRST_RTO;
    return Math.min(base * 2 ** this.backoff, MAX_RTO);
  }

  /** RFC 6298 5. */
  private armRto(): void {
    const head = this.queue.oldest;
    if (head === undefined) {
      this.stop();
      return;
    }
    const now = this.port.now();
    let wait = this.timeout;
    if (this.timerKind === "probe" || this.timerKind === "reorder")
      wait = Math.max(head.sentAt + wait - now, MICROSECOND);
    this.arm("rto", expiry(now, wait));
  }

  /** RFC 8985 7.2. */
  private armProbe(advancing: boolean): void {
    const now = this.port.now();
    if (this.packetsOut === 0 || (this.recovery !== "open" && this.recovery !== "cwr")) {
      if (advancing) this.armRto();
      return;
    }
    let wait = this.trips.known
      ? 2 * this.trips.srtt + (this.packetsOut === 1 ? MIN_RTO : 2 * JIFFY)
      : FIRST_RTO;
    const head = this.queue.oldest as Sent;
    const untilRto = advancing ? this.timeout : head.sentAt + this.timeout - now;
    if (untilRto > 0) wait = Math.min(wait, untilRto);
    this.arm("probe", expiry(now, wait));
  }

  private armWindowProbe(): void {
    const wait = Math.min(this.timeout * 2 ** this.probes, MAX_RTO);
    this.arm("window", expiry(this.port.now(), wait));
  }

  private answeredProbe(): void {
    if (this.timerKind !== "window") return;
    if (this.peerWindow > 0) {
      this.stop();
      this.probes = 0;
    } else this.armWindowProbe();
  }

  private fired(): void {
    const kind = this.timerKind;
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
      this.timerKind = "probe";
      this.armRto();
      return;
    }
    const { out, mss } = this;
    const left = out.end - this.next;
    const room = this.una + this.peerWindow - this.next;
    const newData = left > 0 && room >= Math.min(left, mss);
    if (newData) this.sendNew(Math.min(left, mss), this.finWanted && left <= mss, left <= mss);
    else {
      const last = this.queue.newest;
      if (last === undefined) return;
      this.sendAgain(last);
    }
    this.probeAgain = !newData;
    this.probeEnd = this.next;
    this.timerKind = "probe";
    this.armRto();
  }

  private reorderTimedOut(): void {
    const now = this.port.now();
    const before = this.inFlight;
    this.timerKind = "none";
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
      this.timerKind = "reorder";
      this.armRto();
    }
  }

  private timedOut(): void {
    const now = this.port.now();
    const head = this.queue.oldest;
    if (head === undefined) return;
    if (this.backoff >= MAX_RETRIES) {
      this.port.gaveUp();
      return;
    }
    this.timeouts++;
    this.enterLoss(head, now);
    this.retransmitLost();
    this.backoff++;
    this.arm("rto", expiry(now, this.timeout));
  }

  private enterLoss(head: Sent, now: Nanos): void {
    const { window, queue } = this;
    const fresh = this.recovery !== "recovery" && this.recovery !== "loss";
    const reneged = head.sacked;
    for (let i = 0; i < queue.length; i++) {
      const segment = queue.at(i);
      if (reneged && segment.sacked) {
        segment.sacked = false;
        this.sacked--;
      } else if (segment.sacked) continue;
      else if (segment !== head && this.rack.remaining(segment, now, 0) > 0) continue;
      queue.unlink(segment);
      this.lose(segment);
    }
    if (fresh || this.una >= this.highest || (this.recovery === "loss" && this.backoff === 0)) {
      this.rememberForUndo();
      this.priorWindow = window.cwnd;
      window.ssthresh = this.control.threshold();
    }
    this.control.timedOut(now, this.next);
    window.cwnd = this.inFlight + 1;
    window.resetCount();
    this.usedAt = now;
    this.recovery = "loss";
    this.highest = this.next;
    this.probeEnd = 0;
    this.frto = fresh || this.backoff > 0;
  }
}

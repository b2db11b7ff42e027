/**
 * Load for a DNS server over UDP: so many questions under way, or so many a second, for a while. The
 * time of each answer counts in a histogram of steps of 2 %.
 */

import { Histogram } from "../../histogram.ts";
import type { Endpoint, Host, Nanos, Timer, UdpSocket } from "../../host.ts";
import { MILLISECOND, SECOND } from "../../host.ts";

export interface BenchOptions {
  readonly server: Endpoint;
  /** Whole messages, sent in turn; the identifier is ours. */
  readonly queries: readonly Uint8Array[];
  /** Questions under way at most. */
  readonly concurrency: number;
  /** Questions a second at most. */
  readonly rate?: number | undefined;
  readonly duration: Nanos;
  /** After it a question counts as lost. */
  readonly timeout: Nanos;
}

export interface BenchResult {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly seconds: number;
  /** How many answers had each rcode. */
  readonly rcodes: ReadonlyMap<number, number>;
  /** Time below which this part (0 to 1) of the answers came. */
  percentile(part: number): Nanos;
}

const TICK = MILLISECOND;

export class Bench {
  private readonly host: Host;
  private readonly options: BenchOptions;
  private readonly done: (result: BenchResult) => void;
  private readonly waiting = new Map<number, Nanos>();
  private readonly times = new Histogram();
  private readonly rcodes = new Map<number, number>();
  private readonly timer: Timer;
  private readonly socket: UdpSocket;
  private started: Nanos = 0;
  private id = 0;
  private sent = 0;
  private answered = 0;
  private lost = 0;
  private over = false;

  constructor(host: Host, options: BenchOptions, done: (result: BenchResult) => void) {
    this.host = host;
    this.options = options;
    this.done = done;
    this.timer = host.clock.timer(() => this.tick());
    this.socket = host.udp(
      {
        onBound: () => {
          this.started = host.clock.now();
          this.tick();
        },
        onDatagram: (data) => this.received(data),
        onUdpError: () => {},
      },
      { connect: options.server },
    );
  }

  /** Ends it now; what is under way counts as neither answered nor lost. */
  stop(): void {
    if (!this.over) this.finish(this.host.clock.now());
  }

  private tick(): void {
    if (this.over) return;
    const now = this.host.clock.now();
    for (const [id, at] of this.waiting) {
      if (now - at < this.options.timeout) break;
      this.waiting.delete(id);
      this.lost++;
    }
    if (now - this.started >= this.options.duration && this.waiting.size === 0) this.finish(now);
    else {
      this.fill(now);
      this.timer.armAt(now + TICK);
    }
  }

  private fill(now: Nanos): void {
    const { rate, concurrency, duration, queries, server } = this.options;
    const passed = now - this.started;
    if (passed >= duration) return;
    const allowed = rate === undefined ? Number.POSITIVE_INFINITY : (passed / SECOND) * rate + 1;
    while (this.waiting.size < concurrency && this.sent + 1 <= allowed) {
      // What was given to `send` is never changed again: each question is a copy.
      const bytes = (queries[this.sent % queries.length] as Uint8Array).slice();
      do this.id = (this.id + 1) & 0xffff;
      while (this.waiting.has(this.id));
      bytes[0] = this.id >> 8;
      bytes[1] = this.id & 0xff;
      this.waiting.set(this.id, this.host.clock.now());
      this.sent++;
      this.socket.send(bytes, server.addr, server.port);
    }
  }

  private received(data: Uint8Array): void {
    if (this.over || data.length < 12 || ((data[2] as number) & 0x80) === 0) return;
    const id = ((data[0] as number) << 8) | (data[1] as number);
    const at = this.waiting.get(id);
    if (at === undefined) return;
    this.waiting.delete(id);
    const now = this.host.clock.now();
    this.times.add(now - at);
    this.answered++;
    const rcode = (data[3] as number) & 15;
    this.rcodes.set(rcode, (this.rcodes.get(rcode) ?? 0) + 1);
    this.fill(now);
  }

  private finish(now: Nanos): void {
    this.over = true;
    this.timer.armAt(undefined);
    this.socket.close();
    const { sent, answered, lost, rcodes, times } = this;
    this.done({
      sent,
      answered,
      lost,
      rcodes,
      seconds: (now - this.started) / SECOND,
      percentile: (part) => Math.round(times.percentile(part)),
    });
  }
}

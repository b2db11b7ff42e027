/** Probes of a connection on which nothing comes. RFC 9293 3.8.4, RFC 1122 4.2.3.6. */
import type { Nanos, Timer } from "../../../engines/host.ts";

/** Linux: 2 hours, 75 s, 9. */
export interface KeepAlive {
  /** Without a segment from the peer before the first probe. */
  readonly idle: Nanos;
  /** Between probes. */
  readonly interval: Nanos;
  /** Unanswered ones after which the connection is given up. */
  readonly probes: number;
}

export interface KeepAlivePort {
  now(): Nanos;
  timer(fire: () => void): Timer;
  /** Nothing of ours waits for an acknowledgment: else retransmissions tell whether the peer lives. */
  quiet(): boolean;
  probe(): void;
  gaveUp(): void;
}

export class KeepAliveTimer {
  private readonly port: KeepAlivePort;
  private readonly times: KeepAlive;
  private readonly timer: Timer;
  private heard: Nanos;
  private sent = 0;

  constructor(port: KeepAlivePort, times: KeepAlive) {
    this.port = port;
    this.times = times;
    this.heard = port.now();
    this.timer = port.timer(() => this.fired());
    this.timer.armAt(this.heard + times.idle);
  }

  /** A segment came. */
  alive(): void {
    this.heard = this.port.now();
    this.sent = 0;
  }

  stop(): void {
    this.timer.armAt(undefined);
  }

  private fired(): void {
    const { idle, interval, probes } = this.times;
    const { port } = this;
    const due = this.heard + idle + this.sent * interval;
    if (due > port.now() || !port.quiet()) {
      this.timer.armAt(Math.max(due, port.now() + interval));
      return;
    }
    if (this.sent >= probes) {
      port.gaveUp();
      return;
    }
    this.sent++;
    port.probe();
    this.timer.armAt(this.heard + idle + this.sent * interval);
  }
}

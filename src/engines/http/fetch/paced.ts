/** A request body that goes out no faster than a limit. */
import type { Clock, Timer } from "../../host.ts";
import type { BodyOut, BodySource } from "../client-connection.ts";
import type { RateLimit } from "./rate.ts";

export class PacedSource implements BodySource {
  readonly length: number | undefined;
  readonly again?: () => BodySource;
  private readonly inner: BodySource;
  private readonly rate: RateLimit;
  private readonly clock: Clock;
  private readonly timer: Timer;
  private out: BodyOut | undefined = undefined;

  constructor(inner: BodySource, rate: RateLimit, clock: Clock) {
    this.inner = inner;
    this.rate = rate;
    this.clock = clock;
    this.length = inner.length;
    this.timer = clock.timer(() => {
      if (this.out !== undefined) this.pump(this.out);
    });
    const { again } = inner;
    if (again !== undefined) {
      this.again = () => {
        this.timer.armAt(undefined);
        return new PacedSource(again.call(inner), rate, clock);
      };
    }
  }

  pump(out: BodyOut): void {
    this.out = out;
    // There is room again, but it is not time yet.
    if (this.timer.armed) return;
    this.inner.pump({
      write: (bytes) => {
        const room = out.write(bytes);
        const now = this.clock.now();
        const wait = this.rate.take(bytes.length, now);
        if (wait === 0) return room;
        this.timer.armAt(now + wait);
        return false;
      },
      end: () => out.end(),
      fail: (why) => out.fail(why),
    });
  }
}

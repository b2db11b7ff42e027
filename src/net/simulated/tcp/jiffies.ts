/** Kernel timers: they run at ticks, and the farther off, the coarser (the timer wheel of Linux). */
import type { Nanos } from "../../../engines/host.ts";
import { JIFFY } from "./constants.ts";

/** Ticks from which on each next level of the wheel is used; a level is eight times as coarse as the one below. */
const LEVEL_SPAN = 63;
const LEVEL_SHIFT = 3;

/** When a timer set now to `wait` fires. */
export function expiry(now: Nanos, wait: Nanos): Nanos {
  const ticks = Math.ceil(wait / JIFFY);
  let coarse = 1;
  while (ticks >= LEVEL_SPAN * coarse) coarse <<= LEVEL_SHIFT;
  const at = Math.floor(now / JIFFY) + ticks;
  return (Math.floor(at / coarse) + 1) * coarse * JIFFY;
}

/** The tick that a time lies in. */
export function tick(now: Nanos): number {
  return Math.floor(now / JIFFY);
}

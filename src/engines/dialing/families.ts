/** The addresses of a name, of both families, asked for at once. RFC 8305 3. */
import type { Clock } from "../host.ts";
import { MILLISECOND } from "../host.ts";

export interface Addresses {
  readonly addresses: readonly string[];
  /** Seconds for which they hold: RFC 1035 3.2.1. */
  readonly ttl: number;
}

/** One question; `why` there is no address of that type. */
export type AskFor = (
  name: string,
  type: number,
  done: (why: string | null, found: Addresses) => void,
) => void;
export type Ask = (name: string, done: (error: Error | null, found: Addresses) => void) => void;

const NONE: Addresses = { addresses: [], ttl: Number.POSITIVE_INFINITY };

/** RFC 8305 8: the Resolution Delay. */
export const RESOLUTION_DELAY = 50 * MILLISECOND;

/** Asks for all `types`; once one is answered with addresses the others have so long, and no longer. */
export function inFamilies(clock: Clock, ask: AskFor, types: readonly number[]): Ask {
  return (name, done) => {
    const found: Addresses[] = types.map(() => NONE);
    const wrong: string[] = [];
    let answers = 0;
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      late.armAt(undefined);
      const all = found.flatMap(({ addresses }) => addresses);
      const ttl = Math.min(...found.map((one) => one.ttl));
      const error = all.length > 0 ? null : new Error(wrong[0] ?? `${name}: no address`);
      done(error, { addresses: all, ttl });
    };
    const late = clock.timer(finish);
    types.forEach((type, at) => {
      ask(name, type, (why, one) => {
        found[at] = one.addresses.length > 0 ? one : NONE;
        if (why !== null) wrong.push(why);
        answers++;
        if (answers === types.length) finish();
        else if (one.addresses.length > 0 && !over) late.armAt(clock.now() + RESOLUTION_DELAY);
      });
    });
  };
}

/**
 * The work that one client question may cause, whatever multiplies it: aliases, minimisation,
 * servers without addresses, signatures. One budget across all of them is what bounds NXNS,
 * TsuNAME, CAMP, KeyTrap and their compositions.
 */
import type { Nanos } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { VerifyBudget } from "../dnssec/verify.ts";
import type { WorkLimits } from "./options.ts";
import type { Waiter } from "./task.ts";
import type { Tracer } from "./trace.ts";

export class Work implements VerifyBudget {
  queries: number;
  targets: number;
  signatures: number;
  hashes: number;
  readonly deadline: Nanos;
  readonly limits: WorkLimits;
  readonly tracer: Tracer | undefined;
  /** The first limit that was met. */
  exhausted: string | undefined;

  constructor(limits: WorkLimits, now: Nanos, tracer?: Tracer) {
    this.limits = limits;
    this.queries = limits.queries;
    this.targets = limits.targets;
    this.signatures = limits.signatures;
    this.hashes = limits.hashes;
    this.deadline = now + limits.milliseconds * MILLISECOND;
    this.tracer = tracer;
  }

  /** Takes one; false when there is none left. */
  take(what: "queries" | "targets"): boolean {
    if (this[what] <= 0) {
      this.stop(what);
      return false;
    }
    this[what]--;
    return true;
  }

  stop(what: string): void {
    if (this.exhausted === undefined) this.tracer?.({ kind: "limit", what });
    this.exhausted ??= what;
  }
}

/** Where in a resolution a task stands. */
export interface Place {
  readonly work: Work;
  readonly depth: number;
  /** The shared job that this is part of. */
  readonly job: Waiter | undefined;
  /** Addresses of servers that gave bogus data for this question. */
  readonly avoid: ReadonlySet<string>;
  /** The client's network, as it may be told to servers (RFC 7871). */
  readonly subnet: ClientSubnet | undefined;
  /** Do not take answers of the cache: what is refreshed. */
  readonly fresh: boolean;
  /** Seconds that a delegation must still live to be used: what is refreshed shall not outlive it. */
  readonly leeway: number;
}

export interface ClientSubnet {
  readonly family: number;
  readonly source: number;
  /** Hex, as many octets as `source` needs. */
  readonly address: string;
}

export function deeper(place: Place, change: Partial<Place> = {}): Place {
  return {
    ...place,
    depth: place.depth + 1,
    subnet: undefined,
    fresh: false,
    leeway: 0,
    avoid: NOBODY,
    ...change,
  };
}

export const NOBODY: ReadonlySet<string> = new Set();

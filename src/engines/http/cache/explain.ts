/** Why a cache did what it did: each step with the section that asks for it. */
import type { StoredResponse } from "./entry.ts";

export interface Reason {
  /** `RFC 9111 4.2`. */
  readonly spec: string;
  readonly text: string;
}

/** What became of a request. `revalidated`: answered with what was stored, after the origin agreed. */
export type Verdict = "hit" | "stale" | "revalidated" | "miss" | "bypass" | "refused" | "collapsed";

export interface Outcome {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** What was stored when the request came. */
  readonly stored: StoredResponse | undefined;
  /** Member of the Cache-Status field (RFC 9211), without the cache's name. */
  readonly status: string;
}

export function reason(spec: string, text: string): Reason {
  return { spec, text };
}

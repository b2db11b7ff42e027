/** The vectors of each protocol. */
import { bencode } from "./bencode.ts";
import { dns } from "./dns.ts";
import { http } from "./http.ts";
import { sip } from "./sip.ts";
import type { Vector } from "./vector.ts";

export const SUITES: Readonly<Record<string, readonly Vector[]>> = { bencode, dns, http, sip };

/** What a decoder did with a vector. */
export interface Result {
  readonly vector: Vector;
  readonly outcome: "accept" | "refuse" | "crash" | "timeout";
  /** Seconds. */
  readonly seconds: number;
  /** What the program wrote on stderr, its first line. */
  readonly detail: string;
}

export function passed(result: Result): boolean {
  return result.outcome === result.vector.expect;
}

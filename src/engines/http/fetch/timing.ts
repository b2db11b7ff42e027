/** When what happened to one object, in the nanoseconds of the host's clock. */
import type { Nanos } from "../../host.ts";
import type { Verdict } from "../cache/explain.ts";

export interface Timing {
  /** It was asked for. */
  queued: Nanos;
  /** Its name was looked up; undefined where an address was known. */
  dns?: { from: Nanos; to: Nanos } | undefined;
  /** The connection was opened for it: TCP, and from `tls` on TLS. */
  connect?: { from: Nanos; tls?: Nanos | undefined; to: Nanos } | undefined;
  /** The request was given to the network. */
  sent?: Nanos;
  /** The response before it on the connection was whole: before that nothing of this one could come. */
  turn?: Nanos;
  /** The response's head was there. */
  head?: Nanos;
  end?: Nanos;
  /** Number of the connection, counted from 1, and of the request on it. */
  connection: number;
  onConnection: number;
  /** Requests that went out on it before and were not answered yet. */
  ahead: number;
  /** Octets of the body, and of the head. */
  bodyBytes: number;
  headBytes: number;
  /** What a cache did: `hit`, `revalidated` ...; undefined without one. */
  cached?: Verdict | undefined;
  /** Tries that were needed. */
  tries: number;
}

/** Time that the response waited behind others on the connection, which a second one would have spared. */
export function blockedTime(timing: Timing): Nanos {
  const { sent, turn, ahead } = timing;
  return ahead > 0 && sent !== undefined && turn !== undefined ? Math.max(0, turn - sent) : 0;
}

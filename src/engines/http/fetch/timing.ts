/** When what happened to one object, in the nanoseconds of the host's clock. */
import type { Attempt } from "../../dialing/race.ts";
import type { Endpoint, Nanos } from "../../host.ts";
import type { Verdict } from "../cache/explain.ts";

export interface Connecting {
  readonly from: Nanos;
  readonly tls?: Nanos | undefined;
  readonly to: Nanos;
  /** Whom it leads to: the server, or the proxy before it. */
  readonly remote?: Endpoint | undefined;
  /** Where several addresses were tried: all that was begun. RFC 8305 5 */
  readonly attempts?: readonly Attempt[] | undefined;
}

export interface Timing {
  /** It was asked for. */
  queued: Nanos;
  /** Its name was looked up; undefined where an address was known. */
  dns?: { from: Nanos; to: Nanos } | undefined;
  /** The connection was opened for it: TCP, and from `tls` on TLS. */
  connect?: Connecting | undefined;
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

/** One round trip: TCP's handshake with the address that was reached. */
export function handshakeTime({ from, tls, to, attempts }: Connecting): Nanos {
  const won = attempts?.find(({ why }) => why === undefined);
  return won?.to === undefined ? (tls ?? to) - from : won.to - won.from;
}

/** Time that the response waited behind others on the connection, which a second one would have spared. */
export function blockedTime(timing: Timing): Nanos {
  const { sent, turn, ahead } = timing;
  return ahead > 0 && sent !== undefined && turn !== undefined ? Math.max(0, turn - sent) : 0;
}

/** What a rule of protocol conformance is: a conversation that a server must pass. */

import type { RuleOf } from "../rule.ts";

export { Deviation, Inapplicable } from "../rule.ts";

/** The server that is tried, and what it is known to serve. */
export interface Target {
  /** A zone that the server is authoritative for, or the root when none was named. */
  readonly name: string;
  /** Octets of `name` on the wire. */
  readonly wireLength: number;
  readonly hasZone: boolean;
  readonly unixSeconds: number;
}

/** What a rule asks the network to do. */
export type Step =
  /** One datagram; the reply is the first that comes within `wait` milliseconds. */
  | { readonly kind: "udp"; readonly data: Uint8Array; readonly wait: number }
  /** Each chunk in a segment of its own; the replies are up to `answers` framed messages. */
  | {
      readonly kind: "tcp";
      readonly chunks: readonly Uint8Array[];
      readonly answers: number;
      readonly wait: number;
    };

export type Conversation<T> = Generator<Step, T, readonly Uint8Array[]>;

export interface Rule extends RuleOf<Target, Step, readonly Uint8Array[]> {
  /** The rule holds for authoritative servers, with a zone that is known. */
  readonly needs?: "zone";
}

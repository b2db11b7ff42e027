/** What a rule of protocol conformance is: a conversation that a server must pass. */

export type Level = "must" | "should" | "may";

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

export interface Rule {
  /** Section of its RFC, and a number: `rfc1035.4.1.1-3`. */
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly spec: string;
  /** How the server is mended. */
  readonly hint: string;
  /** The rule holds for authoritative servers, with a zone that is known. */
  readonly needs?: "zone";
  /** Returns when the rule is kept. @throws Deviation when not */
  check(target: Target): Conversation<void>;
}

/** The server does not keep the rule. */
export class Deviation extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Deviation";
  }
}

/** A rule of HTTP/1.1 as a conversation with a server: octets out, what came back judged. */
import type { HttpResponse } from "../../../codecs/http/message.ts";
import type { RuleOf } from "../rule.ts";

export { Deviation, Inapplicable } from "../rule.ts";

/** One connection: segments that are sent, and how long is waited for what comes. */
export interface Step {
  readonly segments: readonly Uint8Array[];
  /** The methods asked with, in order: a response to HEAD has no body. */
  readonly methods: readonly string[];
  /** Final responses after which no more is waited for; 0: until the server closes. */
  readonly responses: number;
  /** Milliseconds without an octet after which it is over. */
  readonly wait: number;
}

export interface Reply {
  /** Final responses, in order. */
  readonly responses: readonly HttpResponse[];
  /** Codes of interim ones. */
  readonly interim: readonly number[];
  /** The server ended the connection. */
  readonly closed: boolean;
  /** Why what came is no HTTP; undefined when it is. */
  readonly fault: string | undefined;
  readonly octets: number;
}

export type Conversation<T> = Generator<Step, T, Reply>;

export interface Target {
  /** What goes into Host. */
  readonly host: string;
  /** A path that GET answers with 200 and a body. */
  readonly path: string;
}

export type Rule = RuleOf<Target, Step, Reply>;

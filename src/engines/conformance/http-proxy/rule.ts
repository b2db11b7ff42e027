/** A rule of proxies and caches: a conversation with the proxy, whose origin says what the rule tells it to. */
import type { Step as HttpStep, Reply } from "../http/rule.ts";
import type { RuleOf } from "../rule.ts";
import type { ProbeOrigin } from "./origin.ts";

/** A connection to the proxy, or so many milliseconds in which nothing is done. */
export type Step = HttpStep | { readonly pause: number };

export interface ProxyTarget {
  readonly origin: ProbeOrigin;
  /** The origin's authority: what goes into Host. */
  readonly host: string;
  /** A forward proxy: targets are absolute. */
  readonly forward: boolean;
}

export type Rule = RuleOf<ProxyTarget, Step, Reply>;
export type Conversation<T> = Generator<Step, T, Reply>;

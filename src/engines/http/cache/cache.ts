/**
 * A cache of HTTP, shared or private: between those who ask and an upstream, on the host's clock.
 * RFC 9111; one fetch for all who ask at once.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Host } from "../../host.ts";
import { field, joinedField } from "../fields.ts";
import type { CacheRules, Decision } from "./decide.ts";
import { decide } from "./decide.ts";
import type { CacheRequest, CacheSink, Handling, Upstream } from "./flow.ts";
import { sameOriginKey } from "./key.ts";
import type { Store } from "./store.ts";
import { Transaction } from "./transaction.ts";

export interface CacheOptions {
  readonly store: Store;
  /** @default true */
  readonly shared?: boolean;
  /** RFC 9213: e.g. `CDN-Cache-Control`. */
  readonly targets?: readonly string[];
}

/** For so long nobody waits for another's response to a URI that gave one for one alone. */
const ALONE_MS = 120_000;
const MAX_ALONE = 10_000;

export class Cache {
  readonly host: Host;
  readonly store: Store;
  readonly rules: CacheRules;
  /** Fetches that others may share, by URI. */
  readonly leaders = new Map<string, Transaction>();
  /** All fetches whose response may be stored, by URI. */
  private readonly storing = new Map<string, Set<Transaction>>();
  private readonly alone = new Map<string, number>();

  constructor(host: Host, options: CacheOptions) {
    this.host = host;
    this.store = options.store;
    this.rules = { shared: options.shared ?? true, targets: options.targets ?? [] };
  }

  /** Answers from the store or by way of `upstream`. Calls to `sink` may come before this returns. */
  handle(request: CacheRequest, upstream: Upstream, sink: CacheSink): Handling {
    const transaction = new Transaction(this, request, upstream, sink);
    transaction.start();
    return transaction;
  }

  /** What would be done, and why; nothing is done. */
  explain(request: CacheRequest): Decision {
    return decide(this.store.find(request.key), request, this.rules, this.now());
  }

  now(): number {
    return this.host.clock.wallMs();
  }

  /** Forgets a URI. Undefined: it was not stored. */
  purge(key: string): number {
    const stored = this.store.find(key);
    for (const one of stored) this.store.remove(one);
    this.forgetFetches(key);
    return stored.length;
  }

  /** RFC 9111 4.4: after a success of an unsafe method. */
  invalidate(key: string, response: readonly Field[]): string[] {
    const named = ["location", "content-location"].flatMap((name) => {
      const reference = field(response, name);
      const other = reference === undefined ? undefined : sameOriginKey(key, reference);
      return other === undefined ? [] : [other];
    });
    const keys = [...new Set([key, ...named])];
    for (const one of keys) {
      for (const stored of this.store.find(one)) {
        this.store.update(stored, { ...stored, invalid: true });
      }
      this.forgetFetches(one);
    }
    return keys;
  }

  /** What was asked for before may be older than what made it invalid. */
  private forgetFetches(key: string): void {
    for (const transaction of this.storing.get(key) ?? []) transaction.forget();
    this.leaders.delete(key);
  }

  began(transaction: Transaction): void {
    const { key } = transaction.request;
    const set = this.storing.get(key);
    if (set === undefined) this.storing.set(key, new Set([transaction]));
    else set.add(transaction);
  }

  ended(transaction: Transaction): void {
    const { key } = transaction.request;
    if (this.leaders.get(key) === transaction) this.leaders.delete(key);
    const set = this.storing.get(key);
    if (set?.delete(transaction) === true && set.size === 0) this.storing.delete(key);
  }

  markAlone(key: string): void {
    this.alone.delete(key);
    this.alone.set(key, this.now() + ALONE_MS);
    if (this.alone.size > MAX_ALONE) {
      const [oldest] = this.alone.keys();
      if (oldest !== undefined) this.alone.delete(oldest);
    }
  }

  /** Whether responses for this URI were for one request alone lately. */
  isAlone(request: CacheRequest): boolean {
    const until = this.alone.get(request.key);
    return until !== undefined && until > this.now();
  }

  /** Whether a request may share the fetch of another. */
  mayShare(request: CacheRequest): boolean {
    return (
      request.method === "GET" &&
      field(request.fields, "range") === undefined &&
      joinedField(request.fields, "cache-control")?.includes("no-") !== true
    );
  }
}

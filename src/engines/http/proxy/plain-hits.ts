/**
 * Fresh responses that all who ask for plainly get alike, kept as the octets that go out: hits of a
 * reverse proxy cost then what a file of an origin does. What is not plain goes the long way, which
 * says what is to be kept, and once a second says it anew, since Age and the time to live go on.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Cache } from "../cache/cache.ts";
import { ruling } from "../cache/decide.ts";
import type { StoredResponse } from "../cache/entry.ts";
import { isComplete } from "../cache/entry.ts";
import type { Outcome } from "../cache/explain.ts";
import { currentAge } from "../cache/freshness.ts";
import { keyOf } from "../cache/key.ts";
import type { Exchange } from "../exchange.ts";
import { preparedHead } from "../exchange.ts";
import type { Origin } from "../fetch/origin.ts";
import { field } from "../fields.ts";

interface PlainHit {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly dated: boolean;
  /** While it says the truth: wall-clock milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Larger bodies are sent in pieces as the client takes them. */
const MOST_BYTES = 32 * 1024;

/** The clock goes by whole milliseconds: at its end a time to live still holds. */
const HALF_MS = 0.0005;

/** Fields of a request by which no response is chosen, but where Vary names them. All others are looked into. */
const INNOCENT: ReadonlySet<string> = new Set(
  [
    ["Host", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Accept-Charset"],
    ["Referer", "Origin", "Cookie", "DNT", "Priority", "Upgrade-Insecure-Requests"],
    ["Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-GPC"],
    ["Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform"],
  ]
    .flat()
    .flatMap((name) => [name, name.toLowerCase()]),
);

export class PlainHits {
  private readonly cache: Cache;
  private readonly origin: Origin;
  /** Goes with what is stored; a change of that is another object. */
  private readonly hits = new WeakMap<StoredResponse, PlainHit>();

  constructor(cache: Cache, origin: Origin) {
    this.cache = cache;
    this.origin = origin;
  }

  /** False: it goes the long way. */
  answer(exchange: Exchange): boolean {
    const { target } = exchange.request;
    if (!target.startsWith("/") || !isPlain(exchange)) return false;
    const found = this.cache.store.find(keyOf(this.origin, target));
    const [stored] = found;
    if (stored === undefined || found.length > 1) return false;
    const hit = this.hits.get(stored);
    if (hit === undefined) return false;
    const now = this.cache.now();
    if (now < hit.fromMs || now >= hit.untilMs) return false;
    exchange.respondPrepared(200, hit.head, hit.body, hit.dated);
    return true;
  }

  /** What the long way answered, with all fields that it sent. */
  learn(exchange: Exchange, { verdict, stored }: Outcome, fields: readonly Field[]): void {
    if (verdict !== "hit" || stored === undefined || !isPlain(exchange)) return;
    if (stored.statusCode !== 200 || stored.selecting.length > 0) return;
    if (stored.size > MOST_BYTES || !isComplete(stored) || stored.reasonPhrase !== "OK") return;
    const body = this.cache.store.atHand(stored);
    if (body === undefined) return;
    const now = this.cache.now();
    const age = currentAge(stored, now);
    const { seconds } = ruling(stored, this.cache.rules).lifetime;
    // Until Age goes on, the whole seconds that are left go down, or nothing is left.
    const left = Math.min(
      Math.floor(age) + 1 - age,
      seconds - Math.floor(seconds - age) - age + HALF_MS,
      seconds - age,
    );
    this.hits.set(stored, {
      head: preparedHead(fields),
      body,
      dated: field(fields, "date") !== undefined,
      fromMs: now,
      untilMs: now + left * 1000,
    });
  }
}

function isPlain({ request, hasBody }: Exchange): boolean {
  const { method, version, fields } = request;
  if (method !== "GET" || hasBody || version !== "HTTP/1.1") return false;
  for (const { name, value } of fields) {
    if (INNOCENT.has(name) || INNOCENT.has(name.toLowerCase())) continue;
    if (name.toLowerCase() !== "connection" || value.toLowerCase() !== "keep-alive") return false;
  }
  return true;
}

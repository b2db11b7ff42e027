/**
 * What one client may have in a time: a token bucket for each address. 429 is RFC 6585 4; the fields
 * RateLimit and RateLimit-Policy are those of draft-ietf-httpapi-ratelimit-headers-10.
 */

import type { Field } from "../../../codecs/http/message.ts";
import { formatIpv4, formatIpv6, parseIpv6 } from "../../../codecs/ip-text.ts";
import type { Clock } from "../../host.ts";
import { SECOND } from "../../host.ts";
import { without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { Delivery } from "../proxy/proxy.ts";

export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens that a client has who was not here for long. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was right, in seconds. */
  at: number;
}

/** Clients that are remembered; the one that was not here for the longest time is forgotten first. */
const MAX_CLIENTS = 65_536;

export class Buckets {
  readonly rate: Rate;
  private readonly clock: Clock;
  private readonly most: number;
  /** In the order of their last use. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(clock: Clock, rate: Rate, most = MAX_CLIENTS) {
    this.clock = clock;
    this.rate = rate;
    this.most = most;
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Takes `cost` where there is `need`; false: there is not. */
  take(client: string, cost: number, need = cost): boolean {
    const bucket = this.bucket(client);
    if (bucket.tokens < need) return false;
    bucket.tokens -= cost;
    return true;
  }

  /** Whole tokens that are left. */
  left(client: string): number {
    return Math.max(0, Math.floor(this.bucket(client).tokens));
  }

  /** Whole seconds until there is `need`, at least one. */
  secondsUntil(client: string, need: number): number {
    const missing = need - this.bucket(client).tokens;
    return Math.max(1, Math.ceil(missing / this.rate.perSecond));
  }

  private bucket(client: string): Bucket {
    const now = this.clock.now() / SECOND;
    const { perSecond, burst } = this.rate;
    const known = this.buckets.get(client);
    if (known !== undefined) {
      known.tokens = Math.min(burst, known.tokens + (now - known.at) * perSecond);
      known.at = now;
      this.buckets.delete(client);
      this.buckets.set(client, known);
      return known;
    }
    const made = { tokens: burst, at: now };
    this.buckets.set(client, made);
    if (this.buckets.size > this.most) {
      const [oldest] = this.buckets.keys();
      if (oldest !== undefined) this.buckets.delete(oldest);
    }
    return made;
  }
}

/** Who counts as one client: an IPv4 address, or the /64 that one subscriber has (RFC 6177 2). */
export function clientOf(addr: string): string {
  const plain = plainAddress(addr);
  const bytes = parseIpv6(plain);
  if (bytes === undefined) return plain;
  return `${formatIpv6(bytes.slice().fill(0, 8))}/64`;
}

/** An address in its one form: without zone, IPv4 not mapped into IPv6. */
export function plainAddress(addr: string): string {
  const bytes = parseIpv6(addr.split("%", 1)[0] as string);
  if (bytes === undefined) return addr;
  // RFC 4291 2.5.5.2
  const mapped = bytes.every((b, i) => i > 11 || b === (i < 10 ? 0 : 0xff));
  return mapped ? formatIpv4(bytes, 12) : formatIpv6(bytes);
}

/** What a client still has is told with each response, so that it can wait by itself. */
export class WithFields implements Delivery {
  private readonly to: Delivery;
  private readonly more: () => readonly Field[];

  constructor(to: Delivery, more: () => readonly Field[]) {
    this.to = to;
    this.more = more;
  }

  start(head: ResponseHead): void {
    const more = this.more();
    const fields = without(head.fields, ...more.map(({ name }) => name.toLowerCase()));
    this.to.start({ ...head, fields: [...fields, ...more] });
  }

  write(bytes: Uint8Array): boolean {
    return this.to.write(bytes);
  }

  end(trailers?: readonly Field[]): void {
    this.to.end(trailers);
  }

  abort(): void {
    this.to.abort();
  }
}

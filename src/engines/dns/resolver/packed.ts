/**
 * Answers as octets, for questions that come again just so: id and TTLs are all that changes.
 * What is kept lives no longer than its shortest TTL, so that it needs no invalidation but `clear`.
 */
import type { DnsSink } from "../../../codecs/dns/index.ts";
import { parse, RCODE } from "../../../codecs/dns/index.ts";
import { latin1 } from "../../../codecs/reader.ts";

interface Packed {
  readonly bytes: Uint8Array;
  /** Where TTLs stand. */
  readonly ttls: readonly number[];
  readonly stored: number;
  readonly expires: number;
}

const ID_BYTES = 2;
/** Octets of a TTL and of RDLENGTH behind it, before the rdata. */
const TTL_BEFORE_RDATA = 6;
const MAX_REQUEST_BYTES = 512;

class TtlSink implements DnsSink {
  readonly ttls: number[] = [];
  least = Number.POSITIVE_INFINITY;
  faulty = false;
  record(
    _section: number,
    _bytes: Uint8Array,
    _nameAt: number,
    _type: number,
    _rdclass: number,
    ttl: number,
    rdataAt: number,
  ): void {
    this.ttls.push(rdataAt - TTL_BEFORE_RDATA);
    this.least = Math.min(this.least, ttl);
  }
  header(): void {}
  question(): void {}
  opt(): void {}
  issue(): void {}
  fault(): void {
    this.faulty = true;
  }
}

export class PackedAnswers {
  private readonly answers = new Map<string, Packed>();
  private readonly most: number;
  /** With it, what nears its end is left to the resolver to fetch anew. */
  private readonly prefetch: boolean;

  constructor(most: number, prefetch: boolean) {
    this.most = most;
    this.prefetch = prefetch;
  }

  private key(request: Uint8Array, stream: boolean): string {
    return (stream ? "s" : "d") + latin1(request, ID_BYTES, request.length);
  }

  /** A fresh copy with the request's id, its TTLs counted down. */
  get(request: Uint8Array, stream: boolean, now: number): Uint8Array | undefined {
    if (request.length > MAX_REQUEST_BYTES) return undefined;
    const key = this.key(request, stream);
    const found = this.answers.get(key);
    if (found === undefined) return undefined;
    const { bytes, ttls, stored, expires } = found;
    if (now >= expires) {
      this.answers.delete(key);
      return undefined;
    }
    if (this.prefetch && (expires - now) * 10 <= expires - stored) return undefined;
    const out = bytes.slice();
    out[0] = request[0] as number;
    out[1] = request[1] as number;
    const age = now - stored;
    if (age > 0) for (const at of ttls) countDown(out, at, age);
    return out;
  }

  put(request: Uint8Array, stream: boolean, answer: Uint8Array, now: number): void {
    const rcode = (answer[3] as number) & 15;
    if (request.length > MAX_REQUEST_BYTES || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN))
      return;
    const sink = new TtlSink();
    parse(answer, 0, answer.length, sink);
    if (sink.faulty || sink.ttls.length === 0 || sink.least <= 0) return;
    const key = this.key(request, stream);
    this.answers.delete(key);
    this.answers.set(key, {
      bytes: answer,
      ttls: sink.ttls,
      stored: now,
      expires: now + sink.least,
    });
    if (this.answers.size > this.most)
      this.answers.delete(this.answers.keys().next().value as string);
  }

  clear(): void {
    this.answers.clear();
  }
}

function countDown(bytes: Uint8Array, at: number, age: number): void {
  const ttl =
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) -
    age;
  bytes[at] = ttl >>> 24;
  bytes[at + 1] = ttl >>> 16;
  bytes[at + 2] = ttl >>> 8;
  bytes[at + 3] = ttl;
}

/**
 * Content codings at an edge: what the origin gave plain is sent in gzip or Brotli to clients that
 * take it. RFC 9110 8.4.1, 12.5.3. What was coded once is kept by the strong ETag of what it was made of.
 */
import { concat } from "../../../codecs/writer.ts";
import type { Host } from "../../host.ts";
import type { Exchange } from "../exchange.ts";
import { field, joinedField, listMembers, withField, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import { isBodiless } from "../head.ts";
import type { Delivery } from "../proxy/proxy.ts";
import { weights } from "../weights.ts";

export type Coding = "br" | "gzip";

export interface CodingStats {
  /** Responses that were coded, and those of them that had been coded before. */
  coded: number;
  kept: number;
  /** Octets before and after. */
  from: number;
  to: number;
}

/** Shorter ones gain nothing; longer ones are sent as they are. */
const LEAST_BYTES = 256;
export const MOST_BYTES = 4 * 1024 * 1024;
const KEPT_BYTES = 32 * 1024 * 1024;

const CODABLE =
  /^(?:text\/(?!event-stream)[^;]+|application\/(?:json|javascript|xml|wasm|manifest\+json|[^;]+\+(?:json|xml))|image\/svg\+xml|font\/(?:ttf|otf))[ \t]*(?:;|$)/i;

/** Undefined: plain is what the client likes as much, or all that it takes. RFC 9110 12.5.3 */
export function codingFor(accepted: string | undefined): Coding | undefined {
  if (accepted === undefined) return undefined;
  const wanted = weights(accepted);
  const of = (name: string) => wanted.find(({ range }) => range === name)?.quality;
  const any = of("*") ?? 0;
  const br = of("br") ?? any;
  const gzip = Math.max(of("gzip") ?? any, of("x-gzip") ?? 0);
  const best = Math.max(br, gzip);
  // Plain is acceptable unless it is excluded; it is preferred where it has more weight.
  if (best === 0 || best < (of("identity") ?? 0)) return undefined;
  return br >= gzip ? "br" : "gzip";
}

/** Coded bodies, the one used last kept for longest. */
export class CodedStore {
  private readonly bodies = new Map<string, Uint8Array>();
  private bytes = 0;

  get(key: string): Uint8Array | undefined {
    const body = this.bodies.get(key);
    if (body === undefined) return undefined;
    this.bodies.delete(key);
    this.bodies.set(key, body);
    return body;
  }

  put(key: string, body: Uint8Array): void {
    this.bytes += body.length - (this.bodies.get(key)?.length ?? 0);
    this.bodies.delete(key);
    this.bodies.set(key, body);
    for (const [oldest, { length }] of this.bodies) {
      if (this.bytes <= KEPT_BYTES) break;
      this.bodies.delete(oldest);
      this.bytes -= length;
    }
  }
}

export class Coder implements Delivery {
  private readonly to: Delivery;
  private readonly exchange: Exchange;
  private readonly uri: string;
  private readonly store: CodedStore;
  private readonly stats: CodingStats;
  private mode: "pass" | "collect" | "kept" = "pass";
  private head!: ResponseHead;
  private coding: Coding = "gzip";
  private key: string | undefined;
  private pieces: Uint8Array[] = [];
  private collected = 0;

  constructor(
    to: Delivery,
    exchange: Exchange,
    uri: string,
    store: CodedStore,
    stats: CodingStats,
  ) {
    this.to = to;
    this.exchange = exchange;
    this.uri = uri;
    this.store = store;
    this.stats = stats;
  }

  private get host(): Host {
    return this.exchange.host;
  }

  start(head: ResponseHead): void {
    const { exchange, to } = this;
    const { method } = exchange.request;
    const coding = codingFor(joinedField(exchange.request.fields, "accept-encoding"));
    if (head.statusCode === 304) {
      to.start(coding === undefined ? head : asAsked(head, exchange.field("if-none-match")));
      return;
    }
    if (!isCodable(head)) {
      to.start(head);
      return;
    }
    const told = { ...head, fields: varying(head) };
    if (coding === undefined) {
      to.start(told);
      return;
    }
    if (isBodiless(method, head.statusCode)) {
      to.start(coded(told, coding));
      return;
    }
    this.head = told;
    this.coding = coding;
    const etag = field(head.fields, "etag");
    this.key = etag?.startsWith('"') === true ? `${coding} ${etag} ${this.uri}` : undefined;
    const kept = this.key === undefined ? undefined : this.store.get(this.key);
    if (kept === undefined) {
      this.mode = "collect";
      return;
    }
    this.mode = "kept";
    this.stats.kept++;
    this.send(kept, Number(field(head.fields, "content-length") ?? 0));
  }

  write(bytes: Uint8Array): boolean {
    if (this.mode === "pass") return this.to.write(bytes);
    if (this.mode === "kept") return true;
    this.pieces.push(bytes);
    this.collected += bytes.length;
    return this.collected <= MOST_BYTES || this.sendPlain();
  }

  end(): void {
    const { exchange, to, mode, collected } = this;
    if (mode === "kept") return;
    if (mode === "pass" || collected < LEAST_BYTES) {
      if (mode === "collect") this.sendPlain();
      to.end();
      return;
    }
    const data = concat(this.pieces);
    const kind = this.coding === "br" ? "brotli" : "gzip";
    this.host.offload({ kind, data }, (error, result) => {
      if (exchange.gone) return;
      if (error !== null || result === undefined || result.length >= data.length) {
        this.sendPlain();
        to.end();
        return;
      }
      if (this.key !== undefined) this.store.put(this.key, result);
      this.send(result, data.length);
    });
  }

  abort(): void {
    const { exchange } = this;
    if (this.mode === "kept") return;
    if (exchange.responded) exchange.abort();
    else exchange.respondError(502, "the response was cut on its way here");
  }

  private send(body: Uint8Array, from: number): void {
    const { stats, to } = this;
    stats.coded++;
    stats.from += from;
    stats.to += body.length;
    const { fields, ...rest } = coded(this.head, this.coding);
    to.start({ ...rest, fields: withField(fields, "Content-Length", String(body.length)) });
    to.write(body);
    to.end();
  }

  /** What was collected, and what follows, goes out as it is. */
  private sendPlain(): boolean {
    this.mode = "pass";
    this.to.start(this.head);
    let room = true;
    for (const piece of this.pieces) room = this.to.write(piece);
    this.pieces = [];
    return room;
  }
}

function isCodable({ statusCode, fields }: ResponseHead): boolean {
  const length = field(fields, "content-length");
  const directives = listMembers(joinedField(fields, "cache-control")?.toLowerCase());
  return (
    statusCode === 200 &&
    CODABLE.test(field(fields, "content-type")?.trim() ?? "") &&
    field(fields, "content-encoding") === undefined &&
    !directives.includes("no-transform") &&
    (length === undefined || (Number(length) >= LEAST_BYTES && Number(length) <= MOST_BYTES))
  );
}

/** RFC 9110 12.5.5: whoever is asked for it by others has to know what it was chosen by. */
function varying({ fields }: ResponseHead): ResponseHead["fields"] {
  const names = listMembers(joinedField(fields, "vary"));
  const told = names.some((name) => name === "*" || name.toLowerCase() === "accept-encoding");
  return told ? fields : withField(fields, "Vary", [...names, "Accept-Encoding"].join(", "));
}

/** RFC 9110 8.8.1: other octets, so that a strong validator becomes weak; ranges are of the plain form. */
function coded(head: ResponseHead, coding: Coding): ResponseHead {
  const etag = field(head.fields, "etag");
  const kept = without(
    head.fields,
    ...["content-length", "accept-ranges", "etag", "content-md5"],
    ...["digest", "content-digest", "repr-digest"],
  );
  const fields = [...kept, { name: "Content-Encoding", value: coding }];
  if (etag !== undefined) fields.push({ name: "ETag", value: weak(etag) });
  return { ...head, fields };
}

function weak(etag: string): string {
  return etag.startsWith("W/") ? etag : `W/${etag}`;
}

/** RFC 9110 15.4.5: a 304 has the ETag that the 200 would have had, which the client holds. */
function asAsked(head: ResponseHead, asked: string | undefined): ResponseHead {
  const etag = field(head.fields, "etag");
  if (etag === undefined || !listMembers(asked).includes(weak(etag))) return head;
  return { ...head, fields: withField(head.fields, "ETag", weak(etag)) };
}

/**
 * What a user agent does around one request: redirects followed, challenges answered, failures that
 * may pass tried again. RFC 9110 15.4, 11, 9.2.2. Each object ends with one response or one error.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Credentials } from "../auth/credentials.ts";
import type { Cache } from "../cache/cache.ts";
import type { IncomingHead } from "../client-connection.ts";
import { ExchangeError } from "../client-connection.ts";
import { field } from "../fields.ts";
import { isIdempotent } from "../head.ts";
import { parseContentRange } from "../ranges.ts";
import type { Way } from "./cached.ts";
import { CachedWay } from "./cached.ts";
import type { Fetcher, FetchRequest } from "./fetcher.ts";
import type { Origin } from "./origin.ts";
import { redirected, urlOf } from "./redirect.ts";
import type { RetryOptions } from "./retry.ts";
import { delayOf, isTransient } from "./retry.ts";
import type { Timing } from "./timing.ts";

/** The cookies of a user agent. RFC 6265 5 */
export interface Cookies {
  /** The value of Cookie, or undefined. `from`: where the page is that embeds the object. */
  header(origin: Origin, target: string, from?: Origin): string | undefined;
  store(origin: Origin, target: string, fields: readonly Field[]): void;
}

export interface AgentOptions {
  readonly follow?: boolean | undefined;
  /** Redirects of one object; 50, as curl has it. */
  readonly maxRedirects?: number | undefined;
  /** Credentials go to every server that a redirect leads to. */
  readonly trusted?: boolean | undefined;
  readonly credentials?: Credentials | undefined;
  readonly cookies?: Cookies | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Asked before any connection is. */
  readonly cache?: Cache | undefined;
}

/** A response on the way to the one that counts. */
export interface Hop {
  readonly url: string;
  readonly request: FetchRequest;
  readonly head: IncomingHead;
  readonly timing: Timing;
  readonly why: "redirect" | "challenge" | "retry";
}

export interface AgentSink {
  /** The request as it goes out, with what was added. */
  asked?(request: FetchRequest, url: string): void;
  hop?(hop: Hop): void;
  /** Called again when a response that was cut is asked for anew: what came before counts no more. */
  head(head: IncomingHead, timing: Timing): void;
  data(bytes: Uint8Array): void;
  end(trailers: readonly Field[], timing: Timing): void;
  failed(why: ExchangeError, timing: Timing): void;
  informed?(head: IncomingHead): void;
  sent?(): void;
  /** `pause` holds the connection that the body comes on. */
  flow?(pause: (on: boolean) => void): void;
}

const MAX_REDIRECTS = 50;
/** Challenges of one request: one, a stale nonce, and one more. */
const MAX_CHALLENGES = 3;

export class Agent {
  readonly fetcher: Fetcher;
  readonly options: AgentOptions;
  readonly way: Way;

  constructor(fetcher: Fetcher, options: AgentOptions = {}) {
    this.fetcher = fetcher;
    this.options = options;
    this.way = options.cache === undefined ? fetcher : new CachedWay(fetcher, options.cache);
  }

  fetch(request: FetchRequest, sink: AgentSink): void {
    new Visit(this, request, sink).go();
  }
}

type Next =
  | { readonly why: Hop["why"]; readonly request: FetchRequest; readonly delay: number }
  | { readonly why: "error"; readonly error: ExchangeError };

/** One object on its way. */
class Visit {
  private readonly agent: Agent;
  private readonly sink: AgentSink;
  /** Without what is added each time. */
  private request: FetchRequest;
  private authorization: string | undefined = undefined;
  private sends = 0;
  private redirects = 0;
  /** What came of a body that could be asked for from there on. */
  private part: Part | undefined = undefined;
  private resuming = false;
  private challenges = 0;
  private retries = 0;

  constructor(agent: Agent, request: FetchRequest, sink: AgentSink) {
    this.agent = agent;
    this.request = request;
    this.sink = sink;
  }

  go(): void {
    const { sink, agent } = this;
    const sent = this.dressed();
    let next: Next | undefined;
    let last: IncomingHead | undefined;
    sink.asked?.(sent, urlOf(sent.origin, sent.target));
    agent.way.fetch(sent, {
      informed: (head) => sink.informed?.(head),
      sent: () => sink.sent?.(),
      flow: (pause) => sink.flow?.(pause),
      head: (head, timing) => {
        last = head;
        agent.options.cookies?.store(sent.origin, sent.target, head.fields);
        next = this.after(head) ?? this.misfit(head);
        if (next === undefined && !this.goesOn(head)) {
          this.part = partOf(sent, head);
          sink.head(head, timing);
        }
      },
      data: (bytes) => {
        if (next !== undefined) return;
        if (this.part !== undefined) this.part.received += bytes.length;
        sink.data(bytes);
      },
      end: (trailers, timing) => {
        const short = next === undefined ? this.lacking() : undefined;
        if (short !== undefined) this.failed(short, timing);
        else if (next === undefined) sink.end(trailers, timing);
        else this.follow(next, sent, last as IncomingHead, timing);
      },
      failed: (why, timing) => {
        // A redirect whose body was cut has said where to go.
        if (next !== undefined && last !== undefined) this.follow(next, sent, last, timing);
        else this.failed(why, timing);
      },
    });
  }

  /** The request with its credentials and cookies. */
  private dressed(): FetchRequest {
    const { credentials, cookies } = this.agent.options;
    const { request } = this;
    const { origin, target, method } = request;
    const fields = [...request.fields];
    this.authorization = undefined;
    let body = this.sends++ === 0 ? request.body : fresh(request.body);
    if (field(fields, "authorization") === undefined && credentials !== undefined) {
      this.authorization = credentials.authorization(origin, method, target);
      if (this.authorization !== undefined) {
        fields.push({ name: "Authorization", value: this.authorization });
      } else if (body !== undefined && credentials.awaitsChallenge(origin)) {
        body = new Uint8Array(0);
      }
    }
    this.resuming = this.part !== undefined && this.part.received > 0;
    if (this.resuming && this.part !== undefined) {
      fields.push({ name: "Range", value: `bytes=${this.part.received}-` });
      fields.push({ name: "If-Range", value: this.part.etag });
    }
    const kept = cookies?.header(origin, target, request.initiator);
    if (kept !== undefined) {
      const own = fields.findIndex(({ name }) => name.toLowerCase() === "cookie");
      // RFC 6265 5.4: one Cookie field at most.
      if (own < 0) fields.push({ name: "Cookie", value: kept });
      else fields[own] = { name: "Cookie", value: `${kept}; ${fields[own]?.value}` };
    }
    return { ...request, fields, body };
  }

  /** What a response's head asks for; undefined: it is the one that counts. */
  private after(head: IncomingHead): Next | undefined {
    const { options } = this.agent;
    const { body, continueTime } = this.request;
    const again = body === undefined || body instanceof Uint8Array || body.again !== undefined;
    // RFC 9110 10.1.1: who does not know the expectation is asked without it.
    if (head.statusCode === 417 && continueTime !== undefined && again) {
      const request = { ...this.request, continueTime: undefined };
      return { why: "retry", request, delay: 0 };
    }
    if (head.statusCode === 401 && again && this.challenged(head)) {
      return { why: "challenge", request: this.request, delay: 0 };
    }
    if (isTransient(head.statusCode) && again && this.mayRetry(isIdempotent(this.request.method))) {
      return { why: "retry", request: this.request, delay: this.delay(head) };
    }
    if (options.follow !== true) return undefined;
    const to = redirected(this.request, head, options.trusted === true);
    if (to.kind === "none") return undefined;
    if (to.kind === "refused") return { why: "error", error: redirectError(to.why) };
    if (to.request.body !== undefined && !again) {
      const text = `redirected to ${to.url}, and the body cannot be sent again`;
      return { why: "error", error: redirectError(text) };
    }
    const most = options.maxRedirects ?? MAX_REDIRECTS;
    if (++this.redirects > most) {
      const text = `redirected more than ${most} times, at last to ${to.url}`;
      return { why: "error", error: redirectError(text) };
    }
    return { why: "redirect", request: to.request, delay: 0 };
  }

  /** RFC 9110 14.4: whether a response to a range goes on where the body was cut. */
  private goesOn(head: IncomingHead): boolean {
    if (!this.resuming || this.part === undefined || head.statusCode !== 206) return false;
    const told = parseContentRange(field(head.fields, "content-range") ?? "");
    if (told?.range.first !== this.part.received) return false;
    this.part.size ??= told.size;
    return true;
  }

  /** A part of something, but not the one that was asked for, is no body. */
  private misfit(head: IncomingHead): Next | undefined {
    if (!this.resuming || head.statusCode !== 206 || this.goesOn(head)) return undefined;
    const text = `octets from ${this.part?.received} were asked for, and the server sent others`;
    return { why: "error", error: new ExchangeError("malformed", text, false, true) };
  }

  /** RFC 9110 15.3.7: a server may send less than was asked for; then the rest is still missing. */
  private lacking(): ExchangeError | undefined {
    const { part } = this;
    if (part?.size === undefined || part.received === part.size) return undefined;
    return new ExchangeError("closed", "the server sent less than the rest", false, true);
  }

  private challenged(head: IncomingHead): boolean {
    const { credentials } = this.agent.options;
    const { origin, fields } = this.request;
    if (credentials === undefined || field(fields, "authorization") !== undefined) return false;
    if (this.challenges >= MAX_CHALLENGES) return false;
    if (!credentials.refused(origin, head.fields, this.authorization)) return false;
    this.challenges++;
    return true;
  }

  private mayRetry(harmless: boolean): boolean {
    return harmless && this.retries < (this.agent.options.retry?.times ?? 0);
  }

  private delay(head: IncomingHead | undefined): number {
    const { retry } = this.agent.options;
    if (retry === undefined) return 0;
    return delayOf(retry, this.retries++, head, this.agent.fetcher.host.clock.wallMs());
  }

  private follow(next: Next, sent: FetchRequest, head: IncomingHead, timing: Timing): void {
    if (next.why === "error") {
      this.sink.failed(next.error, timing);
      return;
    }
    const url = urlOf(sent.origin, sent.target);
    this.sink.hop?.({ url, request: sent, head, timing, why: next.why });
    this.request = next.request;
    this.later(next.delay);
  }

  private failed(why: ExchangeError, timing: Timing): void {
    const passing = why.fault === "connect" || why.fault === "closed" || why.fault === "timeout";
    if (!passing || !this.mayRetry(isIdempotent(this.request.method) || !why.sent)) {
      this.sink.failed(why, timing);
      return;
    }
    this.later(this.delay(undefined));
  }

  private later(delay: number): void {
    if (delay === 0) {
      this.go();
      return;
    }
    const { host, waiting } = this.agent.fetcher;
    const go = () => {
      waiting.delete(go);
      timer.armAt(undefined);
      this.go();
    };
    const timer = host.clock.timer(go);
    timer.armAt(host.clock.now() + delay);
    waiting.add(go);
  }
}

/** A body that was begun is sent from its beginning. */
function fresh(body: FetchRequest["body"]): FetchRequest["body"] {
  return body === undefined || body instanceof Uint8Array ? body : (body.again?.() ?? body);
}

interface Part {
  readonly etag: string;
  /** Octets of the whole, where known. */
  size: number | undefined;
  received: number;
}

/** RFC 9110 13.1.5: only what a strong entity tag names can be put together. */
function partOf(request: FetchRequest, head: IncomingHead): Part | undefined {
  const etag = field(head.fields, "etag");
  if (request.method !== "GET" || head.statusCode !== 200 || etag?.startsWith('"') !== true) {
    return undefined;
  }
  return field(request.fields, "range") === undefined
    ? { etag, size: head.length, received: 0 }
    : undefined;
}

function redirectError(why: string): ExchangeError {
  return new ExchangeError("redirect", why, false, true);
}

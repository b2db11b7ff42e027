/**
 * The resolver as a machine: questions of clients and replies of servers in, questions to servers
 * and replies to clients out. It owns no socket and no clock.
 */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { CLASS, OPCODE, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import type { Nanos, Random } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import { keyOf } from "../dnssec/names.ts";
import type { CacheStatistics, Reply } from "./cache.ts";
import type { UpstreamQuery, UpstreamResult } from "./core.ts";
import { Core } from "./core.ts";
import { Deadlines } from "./deadlines.ts";
import { findDelegation } from "./delegation.ts";
import { fetch } from "./fetch.ts";
import { localAnswer } from "./local.ts";
import type { ResolverOptions } from "./options.ts";
import { RESOLVER_DEFAULTS } from "./options.ts";
import { notified, ownAnswer } from "./own-answer.ts";
import type { Resolution } from "./resolve.ts";
import { combine, fromCache, isMeta, resolve } from "./resolve.ts";
import { bare, respond } from "./respond.ts";
import { sentinelFails, sentinelOf } from "./sentinel.ts";
import { EDE } from "./store.ts";
import { clientSubnet, ECS, parseSubnet } from "./subnet.ts";
import type { Wait } from "./task.ts";
import { run } from "./task.ts";
import type { Tracer } from "./trace.ts";
import type { Place } from "./work.ts";
import { NOBODY, Work } from "./work.ts";

export type ResolverInput =
  | {
      readonly kind: "question";
      /** Comes back with the answer. */
      readonly token: number;
      readonly message: DnsMessage;
      readonly client: string;
      readonly tracer?: Tracer;
    }
  | { readonly kind: "reply"; readonly exchange: number; readonly result: UpstreamResult }
  | { readonly kind: "deadline" };

export interface ResolverOutput {
  /** To be answered by a `reply` input of the same number, unless `cancel` comes first. */
  ask(exchange: number, query: UpstreamQuery): void;
  /** Its time is over. */
  cancel(exchange: number): void;
  answer(token: number, message: DnsMessage): void;
}

interface Client {
  readonly query: DnsMessage;
  readonly stale: () => Resolution | undefined;
}

export interface ResolverStatistics extends CacheStatistics {
  questions: number;
  /** Answered without asking a server. */
  fromCache: number;
  queriesSent: number;
  failures: number;
  /** Questions whose work was cut short by a limit. */
  limited: number;
  prefetches: number;
  /** Public-key operations, and NSEC3 hashes. */
  signatureChecks: number;
  hashes: number;
  /** The most queries that one question caused. */
  mostQueries: number;
}

export class Resolver {
  readonly core: Core;
  private readonly options: ResolverOptions;
  private readonly out: ResolverOutput;
  private readonly exchanges = new Map<number, (value: unknown) => void>();
  private readonly timeouts = new Deadlines();
  /** When what is stale will do for a client. */
  private readonly patience = new Deadlines();
  private readonly clients = new Map<number, Client>();
  private exchangeCount = 0;
  private now: Nanos = 0;
  private readonly counts = {
    questions: 0,
    fromCache: 0,
    failures: 0,
    limited: 0,
    prefetches: 0,
    signatureChecks: 0,
    hashes: 0,
    mostQueries: 0,
  };

  constructor(options: Partial<ResolverOptions>, random: Random, out: ResolverOutput) {
    this.options = { ...RESOLVER_DEFAULTS, ...options };
    this.out = out;
    this.core = new Core(this.options, random, (query) => this.exchange(query));
    this.core.fetch = (place, name, type) => fetch(this.core, place, name, type);
  }

  /** When `deadline` is wanted next. */
  get deadline(): Nanos | undefined {
    const exchange = this.timeouts.next;
    const stale = this.patience.next;
    if (exchange === undefined || stale === undefined) return exchange ?? stale;
    return Math.min(exchange, stale);
  }

  /** Time that passed while nothing could arrive, such as a host that slept: nobody timed out in it. */
  slept(by: Nanos): void {
    this.timeouts.shift(by);
  }

  /** Questions of clients that have no answer yet. */
  get pending(): number {
    return this.clients.size;
  }

  /** `wallMs`: since 1970, for signatures. */
  handle(input: ResolverInput, now: Nanos, wallMs: number): void {
    this.now = now;
    this.core.now = now;
    this.core.wallSeconds = Math.floor(wallMs / 1000);
    switch (input.kind) {
      case "question":
        return this.question(input.token, input.message, input.client, input.tracer);
      case "reply":
        return this.resume(input.exchange, input.result);
      case "deadline":
        return this.expire();
    }
  }

  private exchange(query: UpstreamQuery): Wait {
    return (resume) => {
      const id = ++this.exchangeCount;
      this.exchanges.set(id, resume);
      this.timeouts.set(id, this.now + query.timeoutMs * MILLISECOND);
      this.out.ask(id, query);
    };
  }

  private resume(id: number, result: UpstreamResult): void {
    const resume = this.exchanges.get(id);
    if (resume === undefined) return;
    this.exchanges.delete(id);
    this.timeouts.delete(id);
    resume(result);
  }

  private expire(): void {
    for (
      let id = this.timeouts.take(this.now);
      id !== undefined;
      id = this.timeouts.take(this.now)
    ) {
      this.out.cancel(id);
      this.resume(id, { kind: "timeout" });
    }
    for (
      let id = this.patience.take(this.now);
      id !== undefined;
      id = this.patience.take(this.now)
    ) {
      const stale = this.clients.get(id)?.stale();
      if (stale !== undefined) this.finish(id, stale);
    }
  }

  private refusal(message: DnsMessage): number | undefined {
    if (message.opcode !== OPCODE.QUERY) return RCODE.NOTIMP;
    if (message.questions.length !== 1) return RCODE.FORMERR;
    if (message.edns !== undefined && message.edns.version > 0) return RCODE.BADVERS;
    const question = message.questions[0] as DnsMessage["questions"][number];
    if (isMeta(question.type)) return RCODE.REFUSED;
    if (question.class !== CLASS.IN) return RCODE.REFUSED;
    return undefined;
  }

  private question(token: number, message: DnsMessage, addr: string, tracer?: Tracer): void {
    this.counts.questions++;
    if (message.opcode === OPCODE.NOTIFY) {
      const told = notified(message, addr, this.options);
      if (told !== undefined) return this.out.answer(token, told);
    }
    const rcode = this.refusal(message);
    if (rcode !== undefined) return this.out.answer(token, bare(message, rcode, this.options));
    const question = message.questions[0] as DnsMessage["questions"][number];
    const name = keyOf(question.name);
    const { type } = question;
    const local = ownAnswer(message, this.options) ?? localAnswer(message, this.options);
    if (local !== undefined) return this.out.answer(token, local);
    const sent = message.edns?.options.find(({ code }) => code === ECS);
    const parsed = sent === undefined ? undefined : parseSubnet(sent.data);
    if (sent !== undefined && parsed === undefined)
      return this.out.answer(token, bare(message, RCODE.FORMERR, this.options));
    const subnet =
      this.options.subnet === undefined
        ? undefined
        : clientSubnet(this.options.subnet, addr, parsed);
    const work = new Work(this.options.limits, this.now, tracer);
    const place: Place = {
      work,
      depth: 0,
      job: undefined,
      avoid: NOBODY,
      subnet,
      fresh: false,
      leeway: 0,
    };
    if (!message.rd) return this.snoop(token, message, place, name, type);
    this.start(token, message, place, name, type);
  }

  /** RD clear: only what is known (RFC 1034 4.3.1), and only whole answers. */
  private snoop(
    token: number,
    message: DnsMessage,
    place: Place,
    name: string,
    type: number,
  ): void {
    const parts = fromCache(
      this.core,
      place,
      name,
      type,
      ({ expires }) => expires > this.core.seconds,
    );
    if (parts !== undefined)
      return this.out.answer(token, this.message(message, combine(parts, false)));
    if (this.options.snoop) {
      // RFC 1034 4.3.1: a referral to the servers that are closest.
      const { zone } = findDelegation(this.core, name, type);
      run(resolve(this.core, place, zone, TYPE.NS), (result) =>
        this.out.answer(token, this.message(message, result)),
      );
      return;
    }
    const ede = { code: EDE.NOT_AUTHORITATIVE, text: "recursion was not asked for" };
    this.out.answer(token, bare(message, RCODE.REFUSED, this.options, [ede]));
  }

  private start(token: number, query: DnsMessage, place: Place, name: string, type: number): void {
    const { serveStale } = this.options;
    const stale = () => this.staleAnswer(place, name, type);
    const soon = serveStale !== undefined ? stale() : undefined;
    const waits = serveStale !== undefined && serveStale.clientTimeoutMs > 0;
    this.clients.set(token, { query, stale });
    if (waits && soon !== undefined)
      this.patience.set(token, this.now + serveStale.clientTimeoutMs * MILLISECOND);
    // Held: it failed a moment ago (RFC 8767 5), or nobody waits for what is fresh.
    if (soon?.stale === true && (!waits || this.isHeld(soon))) {
      this.finish(token, soon);
      if (!this.isHeld(soon)) this.refresh(name, type, 0, place.work.tracer);
      return;
    }
    const sentBefore = this.core.sent;
    run(resolve(this.core, place, name, type), (result) => {
      if (this.core.sent === sentBefore) this.counts.fromCache++;
      this.account(place.work);
      const fallback = result.rcode === RCODE.SERVFAIL ? stale() : undefined;
      this.finish(token, fallback ?? result);
      if (this.options.prefetch) this.prefetch(result, place.work.tracer);
    });
  }

  private account(work: Work): void {
    const { limits } = work;
    if (work.exhausted !== undefined) this.counts.limited++;
    this.counts.signatureChecks += limits.signatures - work.signatures;
    this.counts.hashes += limits.hashes - work.hashes;
    this.counts.mostQueries = Math.max(this.counts.mostQueries, limits.queries - work.queries);
  }

  private isHeld({ parts }: Resolution): boolean {
    return parts.some(({ holdUntil }) => holdUntil !== undefined && holdUntil > this.core.seconds);
  }

  private staleAnswer(place: Place, name: string, type: number): Resolution | undefined {
    const { serveStale } = this.options;
    if (serveStale === undefined) return undefined;
    const now = this.core.seconds;
    const usable = (reply: Reply) =>
      (reply.staleSince ?? reply.expires) + serveStale.maxSeconds > now &&
      reply.rcode !== RCODE.SERVFAIL &&
      reply.security !== "bogus";
    const parts = fromCache(this.core, place, name, type, usable);
    if (parts === undefined) return undefined;
    const stale = parts.some(({ expires }) => expires <= now);
    if (stale) this.core.cache.statistics.staleHits++;
    return combine(parts, stale);
  }

  private finish(token: number, result: Resolution): void {
    const client = this.clients.get(token);
    if (client === undefined) return;
    this.clients.delete(token);
    this.patience.delete(token);
    if (result.rcode === RCODE.SERVFAIL) this.counts.failures++;
    this.out.answer(token, this.message(client.query, result));
  }

  private message(query: DnsMessage, result: Resolution): DnsMessage {
    const sentinel = this.options.rootKeySentinel ? sentinelOf(query) : undefined;
    if (
      sentinel !== undefined &&
      result.security === "secure" &&
      sentinelFails(this.core, sentinel)
    )
      return bare(query, RCODE.SERVFAIL, this.options);
    return respond(query, result, { options: this.options, now: this.core.seconds });
  }

  /** What was asked for in the last tenth of its life is fetched anew (unbound's prefetch). */
  private prefetch({ parts }: Resolution, tracer: Tracer | undefined): void {
    const now = this.core.seconds;
    for (const part of parts) {
      const life = part.expires - part.stored;
      if (part.stored === now || part.expires - now > life / 10 || part.rcode === RCODE.SERVFAIL)
        continue;
      this.refresh(part.name, part.type, part.expires - now, tracer);
    }
  }

  private refresh(name: string, type: number, leeway = 0, tracer?: Tracer): void {
    this.counts.prefetches++;
    const work = new Work(this.options.limits, this.now, tracer);
    const place: Place = {
      work,
      depth: 0,
      job: undefined,
      avoid: NOBODY,
      subnet: undefined,
      fresh: true,
      leeway,
    };
    run(resolve(this.core, place, name, type), () => {});
  }

  statistics(): ResolverStatistics {
    return { ...this.core.cache.counts(), ...this.counts, queriesSent: this.core.sent };
  }
}

/** What an answer says of a name's addresses. */
export function addressesOf({ answers }: DnsMessage): string[] {
  return answers.flatMap(({ rdata }) => (rdata as { address?: string }).address ?? []);
}

/** A question as clients ask it. */
export function questionFor(name: string, type: number = TYPE.A): DnsMessage {
  return {
    id: 0,
    qr: 0,
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    aa: false,
    tc: false,
    rd: true,
    ra: false,
    ad: true,
    cd: false,
    questions: [{ name, type, class: CLASS.IN }],
    answers: [],
    authority: [],
    additional: [],
  };
}

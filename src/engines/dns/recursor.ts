/**
 * The recursive service: clients' questions from a listener to the resolver machine, its questions to
 * servers through the host's sockets. RFC 1034 5.3, RFC 1035 7.
 */
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { decode, encode, OPCODE, RCODE, TYPE } from "../../codecs/dns/index.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type { Engine, Host, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import type { AuthZone } from "./auth-zones.ts";
import { AuthZones } from "./auth-zones.ts";
import type { DnsClient, DnsService, Reply } from "./listener.ts";
import type { CacheDump } from "./resolver/dump.ts";
import { dumpCache, loadCache } from "./resolver/dump.ts";
import type { ServerReport } from "./resolver/infra.ts";
import type { ResolverOptions } from "./resolver/options.ts";
import { PackedAnswers } from "./resolver/packed.ts";
import type { ResolverInput, ResolverStatistics } from "./resolver/resolver.ts";
import { addressesOf, questionFor, Resolver } from "./resolver/resolver.ts";
import { bare, fitted } from "./resolver/respond.ts";
import type { Tracer } from "./resolver/trace.ts";
import type { UpstreamStatistics } from "./resolver/upstream.ts";
import { Upstream } from "./resolver/upstream.ts";
import { signTsig, splitTsig, TSIG_ERROR } from "./tsig.ts";
import type { Zone } from "./zone.ts";

export interface RecursorOptions {
  readonly resolver: Partial<ResolverOptions>;
  /** Zones that it keeps itself. */
  readonly authZones?: readonly AuthZone[];
  /** Told when one of them comes, goes, or could not be fetched. */
  readonly say?: (what: string) => void;
  /** Questions that wait for their answers; beyond it clients get SERVFAIL at once. */
  readonly maxPending?: number;
  readonly tracer?: Tracer | undefined;
}

const MAX_PENDING = 10_000;
const MAX_PACKED = 20_000;
/** Numbers of exchanges stay apart when a resolver is replaced. */
const EXCHANGES_PER_GENERATION = 2 ** 40;
const MIN_UDP = 512;
/** Who asks when it is the recursor itself. */
const LOCAL = "127.0.0.1";

export interface RecursorStatistics extends ResolverStatistics, UpstreamStatistics {
  readonly pending: number;
  readonly hitRatio: number;
  readonly servers: readonly ServerReport[];
}

export class Recursor implements Engine, DnsService {
  private readonly options: RecursorOptions;
  private host: Host | undefined;
  private resolver: Resolver | undefined;
  /** Replaced by `reload`, with clients that wait. */
  private readonly leaving = new Set<Resolver>();
  private generation = 0;
  private current: Partial<ResolverOptions>;
  private upstream: Upstream | undefined;
  private timer: Timer | undefined;
  private readonly waiting = new Map<number, (message: DnsMessage) => void>();
  private readonly packed: PackedAnswers | undefined;
  private readonly keeper: AuthZones | undefined;
  private packedHits = 0;
  private tokens = 0;
  private stopping: (() => void) | undefined;

  constructor(options: RecursorOptions) {
    this.options = options;
    const { resolver, tracer } = options;
    this.current = resolver;
    const { authZones = [], say } = options;
    if (authZones.length > 0)
      this.keeper = new AuthZones({
        zones: authZones,
        ...(say === undefined ? {} : { say }),
        onChange: () => this.packed?.clear(),
        lookUp: (name, done) =>
          this.ask(questionFor(name), LOCAL, (answer) => done(addressesOf(answer))),
      });
    // Traces tell of each question; answers for networks and stale ones are not for all alike.
    const plain =
      tracer === undefined && resolver.subnet === undefined && resolver.serveStale === undefined;
    if (plain && resolver.negativeCache !== false)
      this.packed = new PackedAnswers(MAX_PACKED, resolver.prefetch === true);
  }

  start(host: Host): void {
    this.host = host;
    this.upstream = new Upstream(host);
    this.timer = host.clock.timer(() => {
      for (const one of [this.resolver as Resolver, ...this.leaving])
        this.handle(one, { kind: "deadline" });
    });
    this.resolver = this.make(this.options.resolver);
    this.keeper?.start(host);
  }

  private make(options: Partial<ResolverOptions>): Resolver {
    const host = this.host as Host;
    const upstream = this.upstream as Upstream;
    const base = this.generation++ * EXCHANGES_PER_GENERATION;
    const own = { ...options, ownZones: this.keeper?.own };
    const resolver: Resolver = new Resolver(own, host.random.fork(`resolver ${base}`), {
      ask: (exchange, query) =>
        upstream.ask(base + exchange, query, (result) =>
          this.handle(resolver, { kind: "reply", exchange, result }),
        ),
      cancel: (exchange) => upstream.cancel(base + exchange),
      answer: (token, message) => this.answer(token, message),
    });
    return resolver;
  }

  /**
   * Goes on with other options and an empty cache; what is under way is finished as it was begun.
   * `zones`: in place of those of their names among its own.
   */
  reload(options: Partial<ResolverOptions>, zones: readonly Zone[] = []): void {
    for (const zone of zones) this.keeper?.take(zone);
    this.leaving.add(this.resolver as Resolver);
    this.current = options;
    this.packed?.clear();
    this.resolver = this.make(options);
  }

  /** Forgets all that was learnt. */
  flush(): void {
    this.reload(this.current);
  }

  stop(graceful: boolean, done: () => void): void {
    this.stopping = done;
    this.keeper?.stop(graceful, () => {});
    if (!graceful || this.waiting.size === 0) this.close();
  }

  private close(): void {
    const done = this.stopping;
    this.stopping = undefined;
    this.timer?.armAt(undefined);
    this.upstream?.close();
    done?.();
  }

  private handle(resolver: Resolver, input: ResolverInput): void {
    const { clock } = this.host as Host;
    resolver.handle(input, clock.now(), clock.wallMs());
    let next = (this.resolver as Resolver).deadline;
    for (const one of this.leaving) {
      const { deadline } = one;
      if (one.pending === 0) this.leaving.delete(one);
      else if (deadline !== undefined && (next === undefined || deadline < next)) next = deadline;
    }
    this.timer?.armAt(next);
  }

  private answer(token: number, message: DnsMessage): void {
    const give = this.waiting.get(token);
    if (give === undefined) return;
    this.waiting.delete(token);
    give(message);
    if (this.stopping !== undefined && this.waiting.size === 0) this.close();
  }

  /** A question of a client on this machine, e.g. a command. */
  ask(
    message: DnsMessage,
    client: string,
    done: (answer: DnsMessage) => void,
    tracer = this.options.tracer,
  ): void {
    const token = ++this.tokens;
    this.waiting.set(token, done);
    this.handle(this.resolver as Resolver, {
      kind: "question",
      token,
      message,
      client,
      ...(tracer === undefined ? {} : { tracer }),
    });
  }

  answerNow(request: Uint8Array, client: DnsClient): Uint8Array | undefined {
    if (this.packed === undefined) return undefined;
    const now = Math.floor((this.host as Host).clock.now() / SECOND);
    const answer = this.packed.get(request, client.transport !== "udp", now);
    if (answer !== undefined) this.packedHits++;
    return answer;
  }

  query(request: Uint8Array, client: DnsClient, reply: Reply): void {
    let message: DnsMessage;
    try {
      message = decode(request);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      reply(headerOnly(request, RCODE.FORMERR));
      return;
    }
    if (message.additional.some(({ type }) => type === TYPE.TSIG)) {
      reply(this.unknownKey(request, message));
      return;
    }
    if (this.waiting.size >= (this.options.maxPending ?? MAX_PENDING)) {
      reply(headerOnly(request, RCODE.SERVFAIL));
      return;
    }
    const stream = client.transport !== "udp";
    const limit = stream ? 65_535 : this.udpLimit(message);
    const { generation } = this;
    const kept = this.packed === undefined ? undefined : new Uint8Array(request);
    this.ask(message, client.addr, (answer) => {
      const bytes = fitted(answer, limit);
      const now = Math.floor((this.host as Host).clock.now() / SECOND);
      const own = this.keeper !== undefined && answer.aa;
      if (kept !== undefined && message.rd && !own && generation === this.generation)
        this.packed?.put(kept, stream, bytes, now);
      reply(bytes);
    });
  }

  /** It has no keys: RFC 8945 5.1 (a TSIG stands last), 5.2.1 (the answer is not signed). */
  private unknownKey(request: Uint8Array, message: DnsMessage): Uint8Array {
    const signed = splitTsig(request);
    if (signed === undefined) return headerOnly(request, RCODE.FORMERR);
    const { options } = (this.resolver as Resolver).core;
    const refusal = encode(bare(message, RCODE.NOTAUTH, options));
    const { keyName: name, algorithm } = signed;
    const seconds = Math.floor((this.host as Host).clock.wallMs() / 1000);
    const key = { name, algorithm, secret: new Uint8Array(0) };
    return signTsig(refusal, key, seconds, { error: TSIG_ERROR.BADKEY }).bytes;
  }

  /** RFC 6891 6.2.3: no less than 512, no more than passes without fragments. */
  private udpLimit({ edns }: DnsMessage): number {
    const own = (this.resolver as Resolver).core.options.udpSize;
    return edns === undefined ? MIN_UDP : Math.min(own, Math.max(MIN_UDP, edns.udpSize));
  }

  statistics(): RecursorStatistics {
    const resolver = this.resolver as Resolver;
    const counts = resolver.statistics();
    const questions = counts.questions + this.packedHits;
    const fromCache = counts.fromCache + this.packedHits;
    return {
      ...counts,
      ...(this.upstream as Upstream).statistics,
      questions,
      fromCache,
      pending: this.waiting.size,
      hitRatio: questions === 0 ? 0 : fromCache / questions,
      servers: resolver.core.infra.report(resolver.core.seconds),
    };
  }

  dump(): CacheDump {
    const resolver = this.resolver as Resolver;
    resolver.core.now = (this.host as Host).clock.now();
    return dumpCache(resolver.core);
  }

  load(dump: CacheDump): void {
    const resolver = this.resolver as Resolver;
    resolver.core.now = (this.host as Host).clock.now();
    loadCache(resolver.core, dump);
  }
}

/** An error to what could not be read: id, opcode and RD of the request, no question. */
function headerOnly(request: Uint8Array, rcode: number): Uint8Array {
  const flags = request[2] as number;
  return encode({
    id: ((request[0] as number) << 8) | (request[1] as number),
    qr: 1,
    opcode: ((flags >> 3) & 15) === OPCODE.DSO ? OPCODE.QUERY : (flags >> 3) & 15,
    rcode,
    aa: false,
    tc: false,
    rd: (flags & 1) === 1,
    ra: true,
    ad: false,
    cd: false,
    questions: [],
    answers: [],
    authority: [],
    additional: [],
  });
}

/**
 * Runs a scenario: its ranges are the network, its steps are the clients and the clock.
 *
 * The resolver machine is driven as it is. A reply of the network takes no time, so that only
 * TIME_PASSES and TIMEOUT move the clock; a question that no range answers waits for a later step.
 */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { decode, encode } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Nanos, Random } from "../../host.ts";
import { SECOND } from "../../host.ts";
import { AuthZones } from "../auth-zones.ts";
import type { UpstreamQuery } from "../resolver/core.ts";
import { queryMessage } from "../resolver/query.ts";
import { addressesOf, questionFor, Resolver } from "../resolver/resolver.ts";
import { ECS } from "../resolver/subnet.ts";
import type { Tracer } from "../resolver/trace.ts";
import { difference, ednsData, expected, fileDifference, matchesQuery } from "./compare.ts";
import type { StreamQuestion } from "./host.ts";
import { ScenarioHost } from "./host.ts";
import type { Entry, Scenario, Step } from "./parse.ts";
import type { ScenarioOptions } from "./settings.ts";
import { optionsOf } from "./settings.ts";

export interface ScenarioResult {
  readonly passed: boolean;
  /** The step that failed, and why. */
  readonly step?: number;
  readonly why?: string;
}

export interface RunOptions {
  readonly strict: boolean;
  readonly random: Random;
  readonly tracer?: Tracer;
}

interface Outstanding {
  readonly id: number;
  readonly query: UpstreamQuery;
  readonly message: DnsMessage;
}

/** Virtual time that an answer may take when no step moves the clock. */
const PATIENCE_SECONDS = 300;
/** Replies of the network between two steps. */
const MAX_EXCHANGES = 2000;
const CLIENT = "127.0.0.1";

class Run {
  private readonly scenario: Scenario;
  private readonly options: ScenarioOptions;
  private readonly resolver: Resolver;
  private readonly strict: boolean;
  private readonly tracer: Tracer | undefined;
  private readonly outstanding: Outstanding[] = [];
  private readonly answers: DnsMessage[] = [];
  /** Of the zones that the resolver keeps. */
  private readonly keeper: ScenarioHost;
  private readonly streams: StreamQuestion[] = [];
  /** Questions of the keeper, by their tokens. */
  private readonly lookUps = new Map<number, (addresses: readonly string[]) => void>();
  private now: Nanos = 0;
  /** Index of the step that is current. */
  private at = 0;
  private tokens = 0;

  constructor(scenario: Scenario, { strict, random, tracer }: RunOptions) {
    this.scenario = scenario;
    this.strict = strict;
    this.tracer = tracer;
    this.options = optionsOf(scenario);
    const zones = new AuthZones({
      zones: this.options.authZones,
      lookUp: (name, done) => this.lookUp(name, done),
    });
    this.keeper = new ScenarioHost(
      () => this.now,
      () => this.wallMs,
      random,
      (question) => this.streams.push(question),
    );
    for (const [name, text] of scenario.files) this.keeper.files.set(name, text);
    const ownZones = this.options.authZones.length === 0 ? undefined : zones.own;
    this.resolver = new Resolver({ ...this.options.resolver, ownZones }, random, {
      ask: (id, query) =>
        this.asked({ id, query, message: queryMessage(query, id & 0xffff, query.name) }),
      cancel: (id) => this.drop(id),
      answer: (token, message) => {
        const own = this.lookUps.get(token);
        this.lookUps.delete(token);
        if (own === undefined) this.answers.push(throughWire(message));
        else own(addressesOf(message));
      },
    });
    if (this.options.unsupported.length === 0) zones.start(this.keeper.host);
    this.keeper.settle();
  }

  private get wallMs(): number {
    const start = this.options.resolver.validationTime ?? 1_000_000_000;
    return start * 1000 + this.now / 1_000_000;
  }

  private lookUp(name: string, done: (addresses: readonly string[]) => void): void {
    const token = ++this.tokens;
    const question = { token, message: questionFor(name), client: CLIENT };
    this.lookUps.set(token, done);
    this.resolver.handle({ kind: "question", ...question }, this.now, this.wallMs);
  }

  private drop(id: number): void {
    const index = this.outstanding.findIndex((one) => one.id === id);
    if (index >= 0) this.outstanding.splice(index, 1);
  }

  private asked(one: Outstanding): void {
    this.outstanding.push(one);
    // A check of what goes out is passed by the question itself.
    const step = this.scenario.steps[this.at];
    if (!this.options.deckard && step?.kind === "CHECK_OUT_QUERY" && this.isFor(step, one))
      this.at++;
  }

  private isFor(step: Step, { query, message }: Outstanding): boolean {
    if (step.address !== undefined && step.address !== query.server.addr) return false;
    return step.entry !== undefined && matchesQuery(step.entry, message, query.tcp);
  }

  run(): ScenarioResult {
    const { steps } = this.scenario;
    if (this.options.unsupported.length > 0)
      return {
        passed: false,
        step: 0,
        why: `not supported: ${this.options.unsupported.join(", ")}`,
      };
    while (this.at < steps.length) {
      this.deliver();
      const step = steps[this.at] as Step | undefined;
      if (step === undefined) break;
      const why = this.step(step);
      if (why !== undefined) return { passed: false, step: step.number, why };
    }
    return { passed: true };
  }

  private step(step: Step): string | undefined {
    switch (step.kind) {
      case "QUERY":
        this.at++;
        return this.query(step);
      case "CHECK_ANSWER":
        return this.check(step);
      case "TIME_PASSES":
        return this.pass(step);
      case "TIMEOUT":
        this.at++;
        return this.timeOut();
      case "REPLY":
        return this.reply(step);
      case "CHECK_OUT_QUERY": {
        const one = this.outstanding.find((each) => this.isFor(step, each));
        this.at++;
        if (this.options.deckard) return undefined;
        if (one === undefined) return "the resolver did not ask this";
        // What was under way before the step is replied to by it, when it has a reply.
        if (step.entry !== undefined && step.entry.reply.length > 0) this.give(one, step.entry);
        return undefined;
      }
      case "TRAFFIC":
        this.at++;
        this.keeper.expire(this.now);
        return undefined;
      case "CHECK_TEMPFILE":
        this.at++;
        return fileDifference(step.words[1] ?? "", this.keeper.files.get(step.words[0] ?? ""));
      case "NOTHING":
      case "LOG":
        this.at++;
        return undefined;
      default:
        return `${step.kind} is not supported`;
    }
  }

  private query({ entry, address }: Step): string | undefined {
    const message = clientQuery(entry as Entry);
    const client = address ?? CLIENT;
    const access = this.options.access.find(
      ({ prefix }) => prefix.split("/")[0] === client || prefix.endsWith("/0"),
    );
    if (access?.action === "refuse" || access?.action === "deny") return undefined;
    this.resolver.handle(
      {
        kind: "question",
        token: ++this.tokens,
        message,
        client,
        ...(this.tracer === undefined ? {} : { tracer: this.tracer }),
      },
      this.now,
      this.wallMs,
    );
    return undefined;
  }

  private check({ entry }: Step): string | undefined {
    const until = this.now + PATIENCE_SECONDS * SECOND;
    while (this.answers.length === 0) {
      const { deadline } = this.resolver;
      if (deadline === undefined || deadline > until) return "there is no answer";
      this.now = Math.max(this.now, deadline);
      this.resolver.handle({ kind: "deadline" }, this.now, this.wallMs);
      this.deliver();
    }
    this.at++;
    return difference(entry as Entry, this.answers.shift() as DnsMessage, this.strict);
  }

  private pass({ words }: Step): string | undefined {
    this.at++;
    if (words[0] !== "ELAPSE") return `TIME_PASSES ${words[0] ?? ""} is not supported`;
    const until = this.now + Math.round(Number(words[1]) * SECOND);
    // Replies of this network take no time, so that none is late because the clock was moved.
    this.resolver.slept(until - this.now);
    this.now = until;
    this.keeper.expire(until);
    return undefined;
  }

  private timeOut(): string | undefined {
    const { deadline } = this.resolver;
    // Our resolver may have given up earlier than the one that the scenario was written for.
    if (deadline === undefined) return undefined;
    this.now = Math.max(this.now, deadline);
    this.resolver.handle({ kind: "deadline" }, this.now, this.wallMs);
    return undefined;
  }

  private reply({ entry, address }: Step): string | undefined {
    this.at++;
    const one = this.outstanding.find(
      ({ query, message }) =>
        (address === undefined || address === query.server.addr) &&
        matchesQuery(entry as Entry, message, query.tcp),
    );
    if (one === undefined) return "nothing was asked that this replies to";
    this.give(one, entry as Entry);
    return undefined;
  }

  /** Answers what the ranges of this step answer, until nothing more comes. */
  private deliver(): void {
    for (let n = 0; n < MAX_EXCHANGES; n++) {
      this.keeper.settle();
      if (this.answerStream()) continue;
      const found = this.firstAnswerable();
      if (found === undefined) return;
      this.give(found.one, found.entry);
    }
  }

  private answerStream(): boolean {
    for (const [at, { addr, bytes, answer }] of this.streams.entries()) {
      const query = decode(bytes);
      const entry = this.entryFor(addr, query, true);
      if (entry === undefined) continue;
      this.streams.splice(at, 1);
      answer([entry, ...entry.more].map((one) => encode(cannedReply(one, query))));
      return true;
    }
    return false;
  }

  private firstAnswerable(): { one: Outstanding; entry: Entry } | undefined {
    for (const one of this.outstanding) {
      const entry = this.entryFor(one.query.server.addr, one.message, one.query.tcp);
      if (entry !== undefined) return { one, entry };
    }
    return undefined;
  }

  private entryFor(addr: string, message: DnsMessage, tcp: boolean): Entry | undefined {
    const current = this.options.deckard ? Math.max(0, this.at - 1) : this.at;
    const number = this.scenario.steps[current]?.number ?? Number.POSITIVE_INFINITY;
    for (const range of this.scenario.ranges) {
      if (number < range.from || number > range.to) continue;
      if (range.addresses.length > 0 && !range.addresses.includes(addr)) continue;
      const entry = range.entries.find((each) => matchesQuery(each, message, tcp));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  private give(one: Outstanding, entry: Entry): void {
    this.drop(one.id);
    if (entry.adjust.includes("do_not_answer")) return;
    const result = replyResult(entry, one.message);
    this.resolver.handle({ kind: "reply", exchange: one.id, result }, this.now, this.wallMs);
  }
}

function replyResult(
  entry: Entry,
  query: DnsMessage,
): { kind: "reply"; message: DnsMessage; rttMs: number } | { kind: "malformed" } {
  try {
    return { kind: "reply", message: throughWire(cannedReply(entry, query)), rttMs: 1 };
  } catch (error) {
    if (error instanceof DecodeError) return { kind: "malformed" };
    throw error;
  }
}

/** As it comes out of octets: with typed rdata where it is valid, opaque where not. */
function throughWire(message: DnsMessage): DnsMessage {
  return decode(encode(message), { tolerate: () => {} });
}

function clientQuery(entry: Entry): DnsMessage {
  if (entry.raw !== undefined) return entry.raw;
  const { flags, opcode } = expected(entry);
  const options = optionsFrom(entry.ednsData);
  return {
    id: 1,
    qr: 0,
    opcode,
    rcode: 0,
    aa: false,
    tc: false,
    rd: flags.has("RD"),
    ra: flags.has("RA"),
    ad: flags.has("AD"),
    cd: flags.has("CD"),
    questions: entry.question === undefined ? [] : [entry.question],
    answers: [],
    authority: [],
    additional: [],
    edns: { udpSize: 4096, version: 0, do: flags.has("DO"), options },
  };
}

function optionsFrom(data: string | undefined): { code: number; data: string }[] {
  const options: { code: number; data: string }[] = [];
  for (let at = 0; data !== undefined && at + 8 <= data.length; ) {
    const length = Number.parseInt(data.slice(at + 4, at + 8), 16) * 2;
    options.push({
      code: Number.parseInt(data.slice(at, at + 4), 16),
      data: data.slice(at + 8, at + 8 + length),
    });
    at += 8 + length;
  }
  return options;
}

function cannedReply(entry: Entry, query: DnsMessage): DnsMessage {
  if (entry.raw !== undefined)
    return entry.adjust.includes("copy_id") ? { ...entry.raw, id: query.id } : entry.raw;
  const { flags, rcode, opcode } = expected(entry);
  const copies = entry.adjust.includes("copy_query") || entry.question === undefined;
  let options = optionsFrom(entry.ednsData);
  if (entry.adjust.includes("copy_ednsdata_assume_clientsubnet")) {
    const ecs = optionsFrom(ednsData(query)).find(({ code }) => code === ECS);
    const more = entry.adjust.includes("increment_ecs_scope") ? 1 : 0;
    const scope = (Number.parseInt(ecs?.data.slice(4, 6) ?? "0", 16) + more)
      .toString(16)
      .padStart(2, "0");
    options =
      ecs === undefined
        ? []
        : [{ code: ECS, data: `${ecs.data.slice(0, 6)}${scope}${ecs.data.slice(8)}` }];
  }
  const edns = flags.has("DO") || entry.ednsData !== undefined || options.length > 0;
  return {
    id: query.id,
    qr: 1,
    opcode,
    rcode,
    aa: flags.has("AA"),
    tc: flags.has("TC"),
    rd: flags.has("RD"),
    ra: flags.has("RA"),
    ad: flags.has("AD"),
    cd: flags.has("CD"),
    questions: copies ? query.questions : [entry.question as DnsMessage["questions"][number]],
    answers: entry.answer,
    authority: entry.authority,
    additional: entry.additional,
    ...(edns ? { edns: { udpSize: 4096, version: 0, do: flags.has("DO"), options } } : {}),
  };
}

export function runScenario(scenario: Scenario, options: RunOptions): ScenarioResult {
  return new Run(scenario, options).run();
}

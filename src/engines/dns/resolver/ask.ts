/**
 * One question to a zone: its servers are tried until one says something of use. RFC 1034 5.3.3
 * step 3, RFC 4697, RFC 6891 6.2.2 (no EDNS), RFC 7766 5 (TC), draft-vixie-dnsext-dns0x20.
 */
import { RCODE } from "../../../codecs/dns/index.ts";
import { MILLISECOND } from "../../host.ts";
import type { Reply } from "./cache.ts";
import { nextName } from "./chain.ts";
import type { Core, UpstreamQuery, UpstreamResult } from "./core.ts";
import type { Delegation } from "./delegation.ts";
import { cachedAddresses, families } from "./delegation.ts";
import type { ServerAddress } from "./options.ts";
import { inPrefix, octetsOf } from "./private.ts";
import type { Meaning } from "./response.ts";
import { interpret } from "./response.ts";
import { subnetFor } from "./subnet.ts";
import type { Task } from "./task.ts";
import type { Verdict } from "./trace.ts";
import type { Place } from "./work.ts";
import { deeper } from "./work.ts";

export interface Question {
  readonly name: string;
  readonly type: number;
  /** Less than what is wanted, to learn where to ask for it. */
  readonly minimised: boolean;
}

export type Usable = Extract<Meaning, { content: unknown }>;

export type Asked =
  | {
      readonly ok: true;
      readonly meaning: Usable;
      readonly server: ServerAddress;
      /** As the server returned it (RFC 7871 7.2.1). */
      readonly scope: number | undefined;
    }
  | { readonly ok: false; readonly why: "servers" | "limit" | "minimised" };

/** Tries of one server for one question (unbound: outbound-msg-retry). */
const MAX_TRIES = 5;
/** Time-outs after which a minimised name is given up (unbound: 3). */
const MAX_MINIMISED_TIMEOUTS = 3;
/** Answers without any record, from different tries, until one is believed (unbound: 2). */
const EMPTY_BELIEVED = 3;

interface Attempt {
  readonly zone: Delegation;
  readonly question: Question;
  readonly tried: Map<string, number>;
  /** Of no more use for this question. */
  readonly dead: Set<string>;
  /** Answered only as a resolver does: asked with RD when nobody else is left. */
  readonly resolvers: ServerAddress[];
  readonly extra: ServerAddress[];
  readonly names: Map<string, "new" | "done">;
  empties: number;
  timeouts: number;
  deadTargets: number;
  targets: number;
  lastResort: boolean;
  parentAsked: boolean;
}

const id = (server: ServerAddress) => `${server.addr} ${server.port}`;

export function* askZone(
  core: Core,
  place: Place,
  zone: Delegation,
  question: Question,
): Task<Asked> {
  if (zone.kind === "own") return askOwn(core, place, zone, question);
  const attempt: Attempt = {
    zone,
    question,
    tried: new Map(),
    dead: new Set(),
    resolvers: [],
    extra: [],
    names: new Map(zone.names.map((name) => [name, "new"])),
    empties: 0,
    timeouts: 0,
    deadTargets: 0,
    targets: 0,
    lastResort: false,
    parentAsked: false,
  };
  for (;;) {
    if (core.now >= place.work.deadline) place.work.stop("time");
    if (place.work.exhausted !== undefined) return { ok: false, why: "limit" };
    const server = core.infra.pick(
      candidates(core, place, attempt),
      (one) => attempt.tried.get(id(one)) ?? 0,
      core.random,
      core.seconds,
    );
    if (server === undefined) {
      if (yield* moreServers(core, place, attempt)) continue;
      return { ok: false, why: "servers" };
    }
    const outcome = yield* askServer(core, place, attempt, server);
    if (outcome !== undefined) return outcome;
  }
}

/** In place of the zone's servers, in traces too. */
const OWN: ServerAddress = { addr: "auth-zone", port: 0 };

function askOwn(core: Core, place: Place, { zone }: Delegation, question: Question): Asked {
  const { name, type, minimised } = question;
  const own = core.options.ownZones?.at(zone);
  const tracer = place.work.tracer;
  tracer?.({ kind: "query", server: OWN, zone, name, type, tcp: false, minimised });
  const message =
    own === undefined || place.avoid.has(OWN.addr)
      ? undefined
      : core.options.ownZones?.ask(own, name, type, true);
  if (message === undefined) return { ok: false, why: "servers" };
  const meaning = interpret(message, { name, type, zone, recursive: false }, core.options);
  tracer?.({
    ...{ kind: "reply", server: OWN, zone, name, type, rttMs: 0 },
    ...{ verdict: meaning.kind, rcode: message.rcode },
  });
  if (!("content" in meaning)) return { ok: false, why: "servers" };
  return { ok: true, meaning, server: OWN, scope: undefined };
}

function candidates(core: Core, place: Place, attempt: Attempt): ServerAddress[] {
  const out: ServerAddress[] = [];
  const seen = new Set<string>();
  const consider = (server: ServerAddress) => {
    const key = id(server);
    if (seen.has(key)) return;
    seen.add(key);
    if (server.addr.includes(":") ? !core.options.ipv6 : !core.options.ipv4) return;
    if (attempt.dead.has(key) || (attempt.tried.get(key) ?? 0) >= MAX_TRIES) return;
    if (place.avoid.has(server.addr) || isNever(core, server.addr)) return;
    if (core.infra.isLame(server, attempt.zone.zone, core.seconds)) return;
    out.push(server);
  };
  if (attempt.lastResort) {
    for (const server of attempt.resolvers) consider(server);
    return out;
  }
  for (const server of attempt.zone.addresses) consider(server);
  for (const name of attempt.names.keys())
    for (const addr of cachedAddresses(core, name)) consider({ addr, port: core.options.hintPort });
  for (const server of attempt.extra) consider(server);
  return out;
}

function isNever({ options }: Core, addr: string): boolean {
  if (options.neverAsk.length === 0) return false;
  const octets = octetsOf(addr);
  return octets !== undefined && options.neverAsk.some((prefix) => inPrefix(octets, prefix));
}

/** Looks up one more server's address, or falls back to what else there is; false: nothing. */
function* moreServers(core: Core, place: Place, attempt: Attempt): Task<boolean> {
  if (attempt.lastResort) return false;
  for (const [name, state] of attempt.names) {
    if (state === "done") continue;
    attempt.names.set(name, "done");
    if (yield* lookUpTarget(core, place, attempt, name)) return true;
    if (place.work.exhausted !== undefined) return false;
  }
  if (parentSide(core, place, attempt)) return true;
  if (attempt.resolvers.length > 0) {
    attempt.lastResort = true;
    for (const server of attempt.resolvers) {
      attempt.dead.delete(id(server));
      attempt.tried.delete(id(server));
    }
    return true;
  }
  return false;
}

/** True when an address came to be known that was not. */
function* lookUpTarget(core: Core, place: Place, attempt: Attempt, name: string): Task<boolean> {
  const { limits } = place.work;
  // Its addresses are known; those that are avoided are no reason to seek more.
  if (place.avoid.size > 0 && cachedAddresses(core, name).length > 0) return false;
  if (place.depth >= limits.depth || attempt.targets >= limits.targetsPerZone) return false;
  if (attempt.deadTargets >= limits.deadTargets) return false;
  if (!place.work.take("targets")) return false;
  attempt.targets++;
  place.work.tracer?.({ kind: "target", name, zone: attempt.zone.zone });
  const before = candidates(core, place, attempt).length;
  for (const type of families(core)) {
    // Its own name cannot be asked of itself.
    if (name === attempt.question.name && type === attempt.question.type) continue;
    const reply = yield* followTarget(core, place, name, type);
    if (reply.rcode === RCODE.NXDOMAIN) attempt.deadTargets++;
    for (const cached of reply.answer) {
      if (cached.set.type !== type) continue;
      for (const rdata of cached.set.rdatas) {
        const { address } = rdata as { address?: string };
        if (address !== undefined)
          attempt.extra.push({ addr: address, port: core.options.hintPort });
      }
    }
    if (candidates(core, place, attempt).length > before) return true;
    if (reply.rcode === RCODE.NXDOMAIN) return false;
  }
  return false;
}

/** RFC 2181 10.3 forbids it, but there are servers whose names are aliases. */
const MAX_TARGET_ALIASES = 3;

function* followTarget(core: Core, place: Place, name: string, type: number): Task<Reply> {
  let reply = yield* core.fetch(deeper(place), name, type);
  for (let n = 0; n < MAX_TARGET_ALIASES; n++) {
    const next = nextName(reply);
    if (next === undefined) break;
    reply = yield* core.fetch(deeper(place), next, type);
  }
  return reply;
}

/** The parent may know servers that the zone itself does not name, or their addresses. */
function parentSide(core: Core, place: Place, attempt: Attempt): boolean {
  const { zone } = attempt;
  if (attempt.parentAsked || zone.kind !== "learnt" || zone.zone === ".") return false;
  attempt.parentAsked = true;
  const side = core.parentSide(zone.zone);
  if (side === undefined) return false;
  const before = candidates(core, place, attempt).length;
  for (const addresses of side.glue.values())
    for (const addr of addresses) attempt.extra.push({ addr, port: core.options.hintPort });
  let added = false;
  for (const name of side.names) {
    if (attempt.names.has(name)) continue;
    attempt.names.set(name, "new");
    added = true;
  }
  return added || candidates(core, place, attempt).length > before;
}

function* askServer(
  core: Core,
  place: Place,
  attempt: Attempt,
  server: ServerAddress,
): Task<Asked | undefined> {
  const { question, zone } = attempt;
  const key = id(server);
  let tcp = server.tls !== undefined || server.https !== undefined;
  let lostCase = false;
  // At most: EDNS off, TCP, and case as it is.
  for (let n = 0; n < 5; n++) {
    if (!place.work.take("queries")) return { ok: false, why: "limit" };
    attempt.tried.set(key, (attempt.tried.get(key) ?? 0) + 1);
    const query = queryFor(core, place, attempt, server, tcp);
    place.work.tracer?.({
      kind: "query",
      server,
      zone: zone.zone,
      name: question.name,
      type: question.type,
      tcp,
      minimised: question.minimised,
    });
    core.sent++;
    const result = (yield core.exchange(query)) as UpstreamResult;
    const judged = judge(core, attempt, query, result);
    tell(place, attempt, server, judged, result);
    if (judged.verdict === "truncated" && !tcp) {
      tcp = true;
      continue;
    }
    if (judged.verdict === "no-edns") continue;
    if (judged.verdict === "case-mismatch") {
      // Whoever guesses names over UDP cannot answer over TCP.
      tcp = true;
      lostCase = true;
      continue;
    }
    if (tcp && lostCase && (judged.verdict === "timeout" || judged.verdict === "unreachable")) {
      // It speaks no TCP and loses the case: it is asked as it can be.
      core.infra.losesCase(server, core.seconds);
      tcp = false;
      lostCase = false;
      continue;
    }
    return settle(core, attempt, server, judged);
  }
  attempt.dead.add(key);
  return undefined;
}

function queryFor(
  core: Core,
  place: Place,
  attempt: Attempt,
  server: ServerAddress,
  tcp: boolean,
): UpstreamQuery {
  const { question, zone } = attempt;
  const left = Math.max(1, Math.ceil((place.work.deadline - core.now) / MILLISECOND));
  const edns = core.infra.edns(server, core.seconds);
  return {
    server,
    tcp,
    name: question.name,
    type: question.type,
    recursive: zone.kind === "forward" || attempt.lastResort,
    checkingDisabled: zone.kind === "forward" && core.options.validate,
    edns,
    randomCase:
      !tcp && core.options.caseRandomisation && core.infra.keepsCase(server, core.seconds),
    subnet: edns ? subnetFor(core, place, server, question.name) : undefined,
    timeoutMs: Math.min(left, core.infra.timeoutMs(server, core.seconds) * (tcp ? 2 : 1)),
  };
}

interface Judged {
  readonly verdict: Verdict;
  readonly meaning?: Meaning;
  readonly scope?: number | undefined;
}

function judge(core: Core, attempt: Attempt, query: UpstreamQuery, result: UpstreamResult): Judged {
  const { server } = query;
  if (result.kind !== "reply") {
    if (result.kind === "timeout") core.infra.timedOut(server, core.seconds);
    return { verdict: result.kind };
  }
  const { message, rttMs } = result;
  core.infra.replied(server, rttMs, core.seconds);
  // Over a stream there is no more to be had: what is missing is not denied (RFC 2181 9).
  if (message.tc) return { verdict: query.tcp ? "malformed" : "truncated" };
  const refusesEdns =
    message.rcode === RCODE.FORMERR ||
    message.rcode === RCODE.NOTIMP ||
    message.rcode === RCODE.BADVERS;
  const denied =
    query.edns && refusesEdns && (message.edns === undefined || message.rcode === RCODE.BADVERS);
  if (message.edns !== undefined && message.rcode !== RCODE.BADVERS)
    core.infra.speaksEdns(server, core.seconds);
  if (denied && core.infra.withoutEdns(server, core.seconds)) return { verdict: "no-edns" };
  const meaning = interpret(
    message,
    {
      name: attempt.question.name,
      type: attempt.question.type,
      zone: attempt.zone.zone,
      recursive: query.recursive,
    },
    core.options,
  );
  const scope = message.edns?.options.find(({ code }) => code === 8)?.data;
  return {
    verdict: meaning.kind,
    meaning,
    scope:
      query.subnet !== undefined && scope !== undefined
        ? Number.parseInt(scope.slice(6, 8), 16)
        : undefined,
  };
}

function tell(
  place: Place,
  { question, zone }: Attempt,
  server: ServerAddress,
  { verdict, meaning }: Judged,
  result: UpstreamResult,
): void {
  if (place.work.tracer === undefined) return;
  const content = meaning !== undefined && "content" in meaning ? meaning.content : undefined;
  place.work.tracer({
    kind: "reply",
    server,
    zone: zone.zone,
    name: question.name,
    type: question.type,
    verdict,
    rcode: result.kind === "reply" ? result.message.rcode : undefined,
    rttMs: result.kind === "reply" ? result.rttMs : undefined,
    ...(meaning?.kind === "referral"
      ? { to: meaning.ns.key, glue: meaning.content.additional.length }
      : {}),
    ...(content === undefined || content.dropped === 0 ? {} : { dropped: content.dropped }),
  });
}

/** Undefined: try another server. */
function settle(
  core: Core,
  attempt: Attempt,
  server: ServerAddress,
  { verdict, meaning, scope }: Judged,
): Asked | undefined {
  const key = id(server);
  const { minimised } = attempt.question;
  switch (verdict) {
    case "answer":
    case "alias":
    case "nodata":
    case "nxdomain":
    case "referral":
      return { ok: true, meaning: meaning as Usable, server, scope };
    case "empty":
      attempt.empties++;
      return minimised || attempt.empties >= EMPTY_BELIEVED
        ? { ok: true, meaning: emptyNodata(attempt.question), server, scope }
        : undefined;
    case "timeout":
      attempt.timeouts++;
      return minimised && attempt.timeouts >= MAX_MINIMISED_TIMEOUTS
        ? { ok: false, why: "minimised" }
        : undefined;
    case "recursive-only":
      attempt.resolvers.push(server);
      attempt.dead.add(key);
      return undefined;
    case "lame":
    case "upward-referral":
      core.infra.markLame(server, attempt.zone.zone, core.seconds);
      attempt.dead.add(key);
      return undefined;
    default:
      attempt.dead.add(key);
      // RFC 9156 3: some refuse names that they do not know in full.
      return minimised && (verdict === "error" || verdict === "refused")
        ? { ok: false, why: "minimised" }
        : undefined;
  }
}

function emptyNodata({ name }: Question): Usable {
  return {
    kind: "nodata",
    content: {
      rcode: RCODE.NOERROR,
      aa: false,
      answer: [],
      authority: [],
      additional: [],
      end: name,
      dropped: 0,
    },
  };
}

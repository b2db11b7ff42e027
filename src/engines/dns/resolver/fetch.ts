/** An answer from the cache, by proof, or from servers; equal questions at one time are one. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { labelCount, parentOf } from "../dnssec/names.ts";
import type { CachedSet, Reply } from "./cache.ts";
import { TRUST } from "./cache.ts";
import type { Core } from "./core.ts";
import { configuredDepth } from "./delegation.ts";
import { iterate } from "./iterate.ts";
import { synthesise } from "./response.ts";
import { EDE, failure } from "./store.ts";
import { scopeKey } from "./subnet.ts";
import type { Task } from "./task.ts";
import { Job } from "./task.ts";
import type { Place } from "./work.ts";

/** The cached answer, expired or not. */
export function cachedReply(
  core: Core,
  place: Place,
  name: string,
  type: number,
): Reply | undefined {
  const found = keptReply(core, place, name, type);
  // Enough to validate with, not to answer a client with.
  return found?.fromReferral === true && place.depth === 0 ? undefined : found;
}

function keptReply(core: Core, place: Place, name: string, type: number): Reply | undefined {
  const { subnet } = place;
  if (subnet !== undefined && core.options.subnet !== undefined) {
    // The servers said of the name that networks make no difference.
    const all = core.cache.reply(name, type);
    if (all?.subnet?.scope === 0 && all.expires > core.seconds && subnet.source > 0) return all;
    // RFC 7871 7.3.1: the longest prefix that was answered for.
    const least = subnet.source === 0 ? 0 : 1;
    for (let bits = subnet.source; bits >= least; bits--) {
      const found = core.cache.reply(name, type, scopeKey(subnet, bits));
      if (found !== undefined) return found;
    }
  }
  return (
    core.cache.reply(name, type) ?? (type === TYPE.ANY ? undefined : fromSets(core, name, type))
  );
}

/** An answer made of a set that came another way: validated glue is none, an answer's set is. */
function fromSets(core: Core, name: string, type: number): Reply | undefined {
  // RFC 1034 3.6.2: an alias stands for all types.
  const found =
    core.cache.get(name, type, core.seconds) ?? core.cache.get(name, TYPE.CNAME, core.seconds);
  return found === undefined || found.trust < TRUST.ANSWER_AA
    ? undefined
    : fromSet(found, name, type);
}

function fromSet(found: CachedSet, name: string, type: number): Reply {
  return {
    name,
    type,
    rcode: RCODE.NOERROR,
    aa: false,
    answer: [found],
    authority: [],
    additional: [],
    zone: ".",
    from: undefined,
    stored: found.stored,
    expires: found.expires,
    security: found.security,
    ede: undefined,
    volatile: true,
  };
}

/** RFC 8020: below a name that does not exist there is nothing. Only where that was proved. */
function cutAbove(core: Core, name: string, floor: number): Reply | undefined {
  if (!core.options.nxdomainCut) return undefined;
  for (let at = parentOf(name); labelCount(at) > floor; at = parentOf(at)) {
    const denied = core.negative.nxdomain(at, core.seconds);
    if (denied !== undefined) return denied;
  }
  return undefined;
}

/** RFC 6672 5.3.3: a DNAME that was validated makes the aliases of all names below it. */
function fromDname(core: Core, name: string, type: number): Reply | undefined {
  for (let at = parentOf(name); at !== "."; at = parentOf(at)) {
    const dname = core.cache.get(at, TYPE.DNAME, core.seconds);
    if (dname === undefined || dname.security !== "secure") continue;
    const alias = synthesise(dname.set, name, undefined);
    if (alias === undefined) return undefined;
    const answer = [dname, { ...dname, set: alias }];
    return { ...fromSet(dname, name, type), answer };
  }
  return undefined;
}

/** What is known without asking anybody: fresh, or proved by what is known (RFC 8020, 8198). */
export function known(core: Core, place: Place, name: string, type: number): Reply | undefined {
  if (place.fresh) return undefined;
  const cached = cachedReply(core, place, name, type);
  if (cached !== undefined && cached.expires > core.seconds) {
    place.work.tracer?.({ kind: "cache", name, type, stale: false });
    return cached;
  }
  if (!core.options.negativeCache) return undefined;
  // What is configured below a name that does not exist is there all the same.
  const floor = Math.max(0, configuredDepth(core, name));
  const proved =
    fromDname(core, name, type) ??
    cutAbove(core, name, floor) ??
    (core.options.aggressiveNsec ? core.negative.synthesise(core, name, type, floor) : undefined);
  if (proved === undefined) return undefined;
  place.work.tracer?.({ kind: "synthesised", name, type });
  return { ...proved, name, type, volatile: true };
}

export function* fetch(core: Core, place: Place, name: string, type: number): Task<Reply> {
  const found = known(core, place, name, type);
  if (found !== undefined) {
    core.cache.statistics.hits++;
    return found;
  }
  core.cache.statistics.misses++;
  const key = jobKey(core, place, name, type);
  const running = core.jobs.get(key);
  if (running !== undefined) {
    // Whoever waits for itself waits for ever (TsuNAME: cyclic delegations).
    if (place.job !== undefined && running.leadsTo(place.job)) return circular(core, name, type);
    return yield* running.join(place.job);
  }
  const job = new Job<Reply>(key);
  core.jobs.set(key, job);
  // The task runs at once, and may come back to whom it is for.
  if (place.job !== undefined) place.job.waitsFor = job;
  job.start(jobTask(core, { ...place, job }, name, type, key));
  return yield* job.join(place.job);
}

function jobKey(core: Core, place: Place, name: string, type: number): string {
  const scope =
    place.subnet === undefined || core.options.subnet === undefined
      ? ""
      : scopeKey(place.subnet, place.subnet.source);
  return `${name} ${type}${scope}${place.fresh ? " fresh" : ""}${place.avoid.size === 0 ? "" : ` ${[...place.avoid].join(" ")}`}`;
}

function circular(core: Core, name: string, type: number): Reply {
  return failure(
    core,
    name,
    type,
    { code: EDE.NO_REACHABLE, text: "delegations go round in circles" },
    true,
  );
}

function* jobTask(core: Core, place: Place, name: string, type: number, key: string): Task<Reply> {
  const reply = yield* iterate(core, place, name, type);
  core.jobs.delete(key);
  const old = core.cache.reply(name, type);
  const failed = reply.rcode === RCODE.SERVFAIL;
  if (
    failed &&
    old !== undefined &&
    old.rcode !== RCODE.SERVFAIL &&
    core.options.serveStale !== undefined
  ) {
    // RFC 8767 5: what is stale stays, and is not refreshed again at once.
    old.holdUntil = core.seconds + core.options.failureTtl;
    if (core.options.serveStale.resetOnFailure === true) old.staleSince = core.seconds;
    return reply;
  }
  // TTL 0: for those that wait now, and nobody later.
  if (reply.expires <= core.seconds) {
    core.cache.forgetReply(name, type);
    return reply;
  }
  if (place.subnet?.source === 0 && core.options.subnet !== undefined) {
    // Asked without a network: for those that want none told (RFC 7871 7.1.2).
    core.cache.putReply(reply, scopeKey(place.subnet, 0));
    return reply;
  }
  const { subnet } = reply;
  const personal = subnet !== undefined && subnet.scope > 0;
  core.cache.putReply(
    reply,
    personal ? scopeKey(subnet, Math.min(subnet.scope, subnet.source)) : "",
  );
  return reply;
}

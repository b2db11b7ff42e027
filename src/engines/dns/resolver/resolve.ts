/** A client's question to its end: alias by alias, each part validated. RFC 1034 5.3.3 step 4, RFC 4035 4. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import type { CachedSet, Explanation, Reply } from "./cache.ts";
import { nextName } from "./chain.ts";
import type { Core } from "./core.ts";
import { cachedReply } from "./fetch.ts";
import { EDE } from "./store.ts";
import type { Task } from "./task.ts";
import type { Security } from "./trace.ts";
import { settle, validate } from "./validate.ts";
import type { Place } from "./work.ts";

export interface Resolution {
  readonly rcode: number;
  readonly answer: readonly CachedSet[];
  readonly authority: readonly CachedSet[];
  readonly additional: readonly CachedSet[];
  readonly security: Security;
  readonly ede: Explanation | undefined;
  readonly stale: boolean;
  /** How much of the client's address mattered; undefined where none was told. */
  readonly scope: number | undefined;
  readonly parts: readonly Reply[];
}

/** Servers that are tried again when an answer proves bogus. */
const MAX_RETRIES = 4;

export function* resolve(core: Core, place: Place, name: string, type: number): Task<Resolution> {
  const parts: Reply[] = [];
  const seen = new Set<string>();
  for (let at = name; parts.length < place.work.limits.aliases; ) {
    const reply = yield* fetchValid(core, place, at, type);
    parts.push(reply);
    seen.add(at);
    const next = nextName(reply);
    if (next === undefined || reply.security === "bogus") return combine(parts, false);
    place.work.tracer?.({ kind: "alias", from: at, to: next });
    if (seen.has(next)) return combine(parts, false);
    at = next;
  }
  place.work.stop("aliases");
  return failed(parts, { code: EDE.OTHER, text: "too many aliases" });
}

function* fetchValid(core: Core, place: Place, name: string, type: number): Task<Reply> {
  let avoid = place.avoid;
  let fresh = place.fresh;
  for (let n = 0; ; n++) {
    const reply = yield* core.fetch({ ...place, avoid, fresh }, name, type);
    if (!core.options.validate || reply.rcode === RCODE.SERVFAIL) return reply;
    if (reply.security === "unchecked" || reply.security === "indeterminate") {
      const verdict = yield* validate(core, { ...place, subnet: undefined, fresh: false }, reply);
      settle(core, reply, verdict);
      place.work.tracer?.({
        kind: "security",
        name,
        type,
        state: verdict.security,
        ...(verdict.ede === undefined ? {} : { reason: verdict.ede.text }),
      });
      if (
        verdict.security === "bogus" &&
        n < MAX_RETRIES &&
        reply.from !== undefined &&
        place.work.exhausted === undefined
      ) {
        // Another server may have it right (RFC 4035 5.5 leaves it to us).
        const others = new Set([...avoid, reply.from]);
        const next = yield* retry(core, { ...place, avoid: others, fresh: true }, reply);
        if (next === undefined) return reply;
        avoid = others;
        fresh = true;
        continue;
      }
    }
    return reply;
  }
}

/** Whether another server has something to say at all. */
function* retry(core: Core, place: Place, reply: Reply): Task<Reply | undefined> {
  const next = yield* core.fetch(place, reply.name, reply.type);
  if (next.rcode !== RCODE.SERVFAIL) return next;
  core.cache.putReply(reply);
  return undefined;
}

export function combine(parts: readonly Reply[], stale: boolean): Resolution {
  const last = parts[parts.length - 1] as Reply;
  const states = parts.map(({ security }) => security);
  const security =
    states.find((state) => state === "bogus") ??
    states.find((state) => state !== "secure") ??
    "secure";
  const scopes = parts.flatMap(({ subnet }) => subnet?.scope ?? []);
  return {
    rcode: last.rcode,
    answer: parts.flatMap(({ answer }) => answer),
    authority: unique(parts.flatMap(({ authority }) => authority)),
    additional: last.additional,
    security,
    ede: parts.find(({ ede }) => ede !== undefined)?.ede,
    stale,
    scope: scopes.length === 0 ? undefined : Math.max(...scopes),
    parts,
  };
}

function unique(sets: readonly CachedSet[]): CachedSet[] {
  const seen = new Set<string>();
  return sets.filter(({ set }) => {
    const id = `${set.key} ${set.type}`;
    return !seen.has(id) && seen.add(id) !== undefined;
  });
}

function failed(parts: readonly Reply[], ede: Explanation): Resolution {
  return { ...combine(parts, false), rcode: RCODE.SERVFAIL, ede, security: "indeterminate" };
}

/** The whole chain out of the cache, expired or not; undefined when a part is missing. RFC 8767. */
export function fromCache(
  core: Core,
  place: Place,
  name: string,
  type: number,
  usable: (reply: Reply) => boolean,
): Reply[] | undefined {
  const parts: Reply[] = [];
  for (let at = name; parts.length < place.work.limits.aliases; ) {
    const reply = cachedReply(core, place, at, type);
    if (reply === undefined || !usable(reply)) return undefined;
    parts.push(reply);
    const next = reply.security === "bogus" ? undefined : nextName(reply);
    if (next === undefined || parts.some((part) => part.name === next)) return parts;
    at = next;
  }
  return undefined;
}

/** Types that no resolver asks for (RFC 1035 3.2.3, RFC 8945, RFC 2930). */
export function isMeta(type: number): boolean {
  return type === TYPE.OPT || type === 0 || (type >= 249 && type <= 254);
}

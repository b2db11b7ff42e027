/** What to do with a GET or HEAD, given what is stored of its URI. RFC 9111 4. */
import { field, joinedField } from "../fields.ts";
import type { Control, Directives } from "./directives.ts";
import { controlOf, parseDirectives, secondsOf, unqualified } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";
import type { Reason } from "./explain.ts";
import { reason } from "./explain.ts";
import type { Lifetime } from "./freshness.ts";
import { currentAge, dateOf, lifetimeOf } from "./freshness.ts";
import type { Asked } from "./storable.ts";
import { matches, matchesExactly } from "./vary.ts";

export interface CacheRules {
  /** A shared cache minds `private`, `s-maxage`, `proxy-revalidate` and Authorization. */
  readonly shared: boolean;
  /** RFC 9213 2.2: targeted fields that it obeys, the first one first. */
  readonly targets: readonly string[];
}

export interface Assessed<E extends StoredResponse = StoredResponse> {
  readonly entry: E;
  readonly control: Control;
  readonly lifetime: Lifetime;
  /** Seconds. */
  readonly age: number;
}

export type Decision<E extends StoredResponse = StoredResponse> =
  | { readonly kind: "use"; readonly chosen: Assessed<E>; readonly reasons: readonly Reason[] }
  /** Used while it is being validated behind the client's back: RFC 5861 3. */
  | {
      readonly kind: "use-validate";
      readonly chosen: Assessed<E>;
      readonly reasons: readonly Reason[];
    }
  | { readonly kind: "validate"; readonly chosen: Assessed<E>; readonly reasons: readonly Reason[] }
  | {
      readonly kind: "fetch";
      readonly why: "uri-miss" | "vary-miss" | "bypass" | "request";
      readonly reasons: readonly Reason[];
    }
  /** 504: RFC 9111 5.2.1.7. */
  | { readonly kind: "refuse"; readonly reasons: readonly Reason[] };

/** RFC 9111 4: of those that match the latest; one that matches only by negotiation comes last. */
export function choose<E extends StoredResponse>(
  stored: readonly E[],
  request: Asked,
): E | undefined {
  const fit = stored.filter((one) => matches(one, request.fields));
  const exact = fit.filter((one) => matchesExactly(one, request.fields));
  let best: E | undefined;
  for (const one of exact.length > 0 ? exact : fit) {
    if (best === undefined || dateOf(one) >= dateOf(best)) best = one;
  }
  return best;
}

export function assess<E extends StoredResponse>(
  entry: E,
  rules: CacheRules,
  nowMs: number,
): Assessed<E> {
  const { control, lifetime } = ruling(entry, rules);
  return { entry, control, lifetime, age: currentAge(entry, nowMs) };
}

interface Ruling {
  readonly rules: CacheRules;
  readonly control: Control;
  readonly lifetime: Lifetime;
}

/** Read once: a stored response is not changed, but replaced. */
const rulings = new WeakMap<StoredResponse, Ruling>();

export function ruling(entry: StoredResponse, rules: CacheRules): Ruling {
  const known = rulings.get(entry);
  if (known?.rules === rules) return known;
  const control = controlOf(entry.fields, rules.targets);
  const found = { rules, control, lifetime: lifetimeOf(entry, control, rules.shared) };
  rulings.set(entry, found);
  return found;
}

export function decide<E extends StoredResponse>(
  stored: readonly E[],
  request: Asked,
  rules: CacheRules,
  nowMs: number,
): Decision<E> {
  const asked = parseDirectives(joinedField(request.fields, "cache-control"));
  const decision = withoutOnly(stored, request, asked, rules, nowMs);
  const forwards = decision.kind === "fetch" || decision.kind === "validate";
  if (!forwards || !asked.has("only-if-cached")) return decision;
  const why = reason("RFC 9111 5.2.1.7", "the request says only-if-cached");
  return { kind: "refuse", reasons: [...decision.reasons, why] };
}

function withoutOnly<E extends StoredResponse>(
  stored: readonly E[],
  request: Asked,
  asked: Directives,
  rules: CacheRules,
  nowMs: number,
): Decision<E> {
  for (const name of ["if-match", "if-unmodified-since"]) {
    if (field(request.fields, name) === undefined) continue;
    const why = reason("RFC 9111 4.3.2", `${name} is for the origin to judge`);
    return { kind: "fetch", why: "bypass", reasons: [why] };
  }
  if (stored.length === 0) {
    return { kind: "fetch", why: "uri-miss", reasons: [reason("RFC 9111 4", "nothing is stored")] };
  }
  const entry = choose(stored, request);
  if (entry === undefined) {
    const text = `${stored.length} stored, none for these ${varyText(stored)}`;
    return { kind: "fetch", why: "vary-miss", reasons: [reason("RFC 9111 4.1", text)] };
  }
  const chosen = assess(entry, rules, nowMs);
  const reasons: Reason[] = [freshnessReason(chosen)];
  const must = mustValidate(chosen, asked, rules);
  if (must !== undefined) return { kind: "validate", chosen, reasons: [...reasons, must] };
  const { age, lifetime } = chosen;
  if (lifetime.seconds > age) return { kind: "use", chosen, reasons };
  const allowed = mayBeStale(chosen, asked, rules);
  reasons.push(allowed.reason);
  if (allowed.kind === "no") return { kind: "validate", chosen, reasons };
  return { kind: allowed.kind, chosen, reasons };
}

function varyText(stored: readonly StoredResponse[]): string {
  const names = new Set(stored.flatMap(({ selecting }) => selecting.map(([name]) => name)));
  return [...names].join(", ");
}

function freshnessReason({ age, lifetime }: Assessed): Reason {
  const state = lifetime.seconds > age ? "fresh" : "stale";
  const text = `${state}: age ${Math.floor(age)} s, lifetime ${Math.floor(lifetime.seconds)} s (${lifetime.from})`;
  return reason(lifetime.spec, text);
}

/** What forbids use without validation, however fresh. */
function mustValidate(chosen: Assessed, asked: Directives, rules: CacheRules): Reason | undefined {
  const { entry, control, age, lifetime } = chosen;
  if (entry.invalid) return reason("RFC 9111 4.4", "invalidated since");
  if (unqualified(control.directives, "no-cache")) {
    return reason("RFC 9111 5.2.2.4", `${control.source}: no-cache`);
  }
  if (asked.has("no-cache")) return reason("RFC 9111 5.2.1.4", "the request says no-cache");
  // RFC 8246 2: a reload does not validate what is fresh and does not change.
  if (!rules.shared && control.directives.has("immutable") && lifetime.seconds > age) {
    return undefined;
  }
  const most = secondsOf(asked, "max-age");
  if (typeof most === "number" && age > most) {
    return reason("RFC 9111 5.2.1.1", `the request says max-age=${most}`);
  }
  if (most === "invalid") return reason("RFC 9111 5.2.1.1", "max-age that cannot be read");
  const least = secondsOf(asked, "min-fresh");
  if (typeof least === "number" && lifetime.seconds - age < least) {
    return reason("RFC 9111 5.2.1.3", `the request says min-fresh=${least}`);
  }
  return undefined;
}

/** RFC 9111 4.2.4: what forbids stale use altogether. */
export function forbidsStale(control: Control, rules: CacheRules): Reason | undefined {
  const { directives, source } = control;
  if (directives.has("no-cache")) return reason("RFC 9111 5.2.2.4", `${source}: no-cache`);
  if (directives.has("must-revalidate")) {
    return reason("RFC 9111 5.2.2.2", `${source}: must-revalidate`);
  }
  if (rules.shared && directives.has("proxy-revalidate")) {
    return reason("RFC 9111 5.2.2.8", `${source}: proxy-revalidate`);
  }
  if (rules.shared && directives.has("s-maxage")) {
    return reason("RFC 9111 5.2.2.10", `${source}: s-maxage`);
  }
  return undefined;
}

function mayBeStale(
  chosen: Assessed,
  asked: Directives,
  rules: CacheRules,
): { kind: "no" | "use" | "use-validate"; reason: Reason } {
  const { control, age, lifetime } = chosen;
  const forbidden = forbidsStale(control, rules);
  if (forbidden !== undefined) return { kind: "no", reason: forbidden };
  const staleness = age - lifetime.seconds;
  const most = asked.get("max-stale");
  const limit = secondsOf(asked, "max-stale");
  if (most === true || (typeof limit === "number" && staleness <= limit)) {
    return { kind: "use", reason: reason("RFC 9111 5.2.1.2", "the request allows it: max-stale") };
  }
  const window = secondsOf(control.directives, "stale-while-revalidate");
  if (typeof window === "number" && staleness <= window) {
    const why = reason("RFC 5861 3", `stale-while-revalidate=${window}: validated meanwhile`);
    return { kind: "use-validate", reason: why };
  }
  return { kind: "no", reason: reason("RFC 9111 4.2.4", "stale is not used without leave") };
}

/** Whether what is stored stands in for an origin that fails. `disconnected`: no answer came at all. */
export function standsIn(
  chosen: Assessed,
  asked: Directives,
  rules: CacheRules,
  disconnected: boolean,
): Reason | undefined {
  if (chosen.entry.invalid) return undefined;
  if (forbidsStale(chosen.control, rules) !== undefined) return undefined;
  const staleness = chosen.age - chosen.lifetime.seconds;
  for (const directives of [chosen.control.directives, asked]) {
    const window = secondsOf(directives, "stale-if-error");
    if (typeof window === "number" && staleness <= window) {
      return reason("RFC 5861 4", `stale-if-error=${window}`);
    }
  }
  return disconnected && !asked.has("no-cache")
    ? reason("RFC 9111 4.2.4", "the origin cannot be reached")
    : undefined;
}

/**
 * From the deepest known zone down to the answer. RFC 1034 5.3.3; RFC 9156 (the name is shown label
 * by label); RFC 8109 (priming).
 */
import { TYPE } from "../../../codecs/dns/index.ts";
import { isBelow, keyOf, labelCount, suffix } from "../dnssec/names.ts";
import type { Asked } from "./ask.ts";
import { askZone } from "./ask.ts";
import type { Reply } from "./cache.ts";
import type { Core } from "./core.ts";
import type { Delegation } from "./delegation.ts";
import { configured, findDelegation, learnt } from "./delegation.ts";
import { EDE, failure, keepAnswer, keepReferral } from "./store.ts";
import type { Task } from "./task.ts";
import { settle, validate } from "./validate.ts";
import type { Place } from "./work.ts";
import { deeper } from "./work.ts";

/** RFC 9156 2.3: so many steps at most, the first of one label each. */
const MAX_MINIMISE_COUNT = 10;
const MINIMISE_ONE_LAB = 4;

/** How much of the name is shown next. */
class Minimiser {
  private shown: number;
  private steps = 0;
  private active: boolean;
  private typeHidden: boolean;
  private readonly core: Core;
  private readonly name: string;
  private readonly type: number;

  constructor(core: Core, name: string, type: number, zone: Delegation) {
    this.core = core;
    this.name = name;
    this.type = type;
    this.active = core.options.minimise !== "off" && zone.kind !== "forward" && zone.kind !== "own";
    this.typeHidden =
      core.options.hideType && type !== core.options.minimiseType && type !== TYPE.DS;
    this.shown = labelCount(zone.zone);
  }

  /** The question of this step. */
  next(zone: Delegation): { name: string; type: number; minimised: boolean } {
    const total = labelCount(this.name);
    this.shown = Math.max(this.shown, labelCount(zone.zone));
    const whole = { name: this.name, type: this.type, minimised: false };
    if (!this.active) return whole;
    const left = total - this.shown;
    const step =
      this.steps < MINIMISE_ONE_LAB
        ? 1
        : Math.ceil(left / Math.max(1, MAX_MINIMISE_COUNT - this.steps));
    const labels = this.shown + step;
    const { minimiseType } = this.core.options;
    if (labels > total || (labels === total && !this.typeHidden)) return whole;
    // A zone's DS is its parent's: its name is no step down.
    if (labels === total && this.type === TYPE.DS) return whole;
    return { name: suffix(this.name, labels), type: minimiseType, minimised: true };
  }

  answered(name: string): void {
    this.shown = labelCount(name);
    this.steps++;
    if (this.shown >= labelCount(this.name)) this.active = false;
  }

  stop(): void {
    this.active = false;
  }

  get strict(): boolean {
    return this.core.options.minimise === "strict";
  }
}

export function* iterate(core: Core, place: Place, name: string, type: number): Task<Reply> {
  yield* prime(core, place, name, type);
  const first = yield* walk(core, place, name, type, false);
  if (first.from !== undefined || place.work.exhausted !== undefined) return first;
  const stub = configured(core.options.stubs, name) ?? configured(core.options.forwards, name);
  // Configured servers failed, and may be gone around.
  return stub?.first === true ? yield* walk(core, place, name, type, true) : first;
}

/** Before hints or a stub's addresses are used, their own NS set is asked for. RFC 8109 3. */
function* prime(core: Core, place: Place, name: string, type: number): Task<void> {
  const zone = findDelegation(core, name, type);
  const wanted =
    zone.kind === "hints"
      ? core.options.priming
      : zone.kind === "stub" && configured(core.options.stubs, name)?.prime === true;
  if (!wanted || place.depth >= place.work.limits.depth) return;
  if (name === zone.zone && type === TYPE.NS) return;
  yield* core.fetch(deeper(place), zone.zone, TYPE.NS);
}

function* walk(
  core: Core,
  place: Place,
  name: string,
  type: number,
  skipConfigured: boolean,
): Task<Reply> {
  let zone = findDelegation(core, name, type, skipConfigured, place.leeway);
  if (name === zone.zone && type === TYPE.NS && place.fresh) zone = aboveOf(core, zone, name);
  const minimiser = new Minimiser(core, name, type, zone);
  for (let referrals = 0; referrals < place.work.limits.referrals; ) {
    const question = minimiser.next(zone);
    const asked = yield* askZone(core, place, zone, question);
    if (!asked.ok) {
      if (asked.why === "minimised" && !minimiser.strict) {
        minimiser.stop();
        continue;
      }
      return unreachable(core, place, name, type, asked.why);
    }
    const { meaning } = asked;
    if (meaning.kind === "referral" && !(type === TYPE.DS && meaning.ns.key === name)) {
      referrals++;
      const next = keepReferral(core, zone, meaning.ns, meaning.content, asked.server, place.fresh);
      // A stub that refers to what is configured otherwise: that counts.
      const own = skipConfigured ? undefined : configured(core.options.stubs, name);
      zone =
        own !== undefined && isBelow(keyOf(own.zone), next.zone)
          ? findDelegation(core, name, type)
          : place.fresh
            ? next
            : merged(core, next);
      continue;
    }
    if (meaning.kind === "referral")
      return keepAnswer(core, place, zone, name, type, ofChild(asked));
    if (!question.minimised) return keepAnswer(core, place, zone, name, type, asked);
    if (meaning.kind === "nxdomain" && minimiser.strict)
      return keepAnswer(core, place, zone, name, type, asked);
    if (meaning.kind === "nxdomain" && core.options.nxdomainCut && core.options.validate) {
      // Signed zones deny no empty non-terminal, so that this is the end (RFC 8020).
      const denied = keepAnswer(core, place, zone, question.name, question.type, asked);
      settle(core, denied, yield* validate(core, deeper(place), denied));
      if (denied.security === "secure") return { ...denied, name, type };
    }
    // Relaxed: some servers deny empty non-terminals, so the whole name is asked (RFC 9156 3).
    if (meaning.kind === "nxdomain" || meaning.kind === "alias") minimiser.stop();
    else minimiser.answered(question.name);
  }
  place.work.stop("referrals");
  return unreachable(core, place, name, type, "limit");
}

type Told = Extract<Asked, { ok: true }>;

/** A referral to the very name whose DS was asked for: with the DS, or the proof that there is none. */
function ofChild(asked: Told): Told {
  const { content } = asked.meaning;
  const answer = content.authority.filter((set) => set.type === TYPE.DS);
  const authority = content.authority.filter(
    (set) => set.type === TYPE.NSEC || set.type === TYPE.NSEC3,
  );
  return {
    ...asked,
    meaning: {
      kind: answer.length > 0 ? "answer" : "nodata",
      content: { ...content, answer, authority, additional: [] },
    },
  };
}

/** What the zone itself says of its servers comes before what the parent said. */
function merged(core: Core, told: Delegation): Delegation {
  const known = learnt(core, told.zone);
  if (known === undefined) return told;
  return { ...known, addresses: sameNames(known, told) ? told.addresses : [] };
}

function sameNames(a: Delegation, b: Delegation): boolean {
  return a.names.length === b.names.length && a.names.every((name) => b.names.includes(name));
}

function aboveOf(core: Core, zone: Delegation, name: string): Delegation {
  return zone.kind === "learnt" && name !== "." ? findDelegation(core, name, TYPE.DS) : zone;
}

function unreachable(core: Core, place: Place, name: string, type: number, why: string): Reply {
  const { exhausted } = place.work;
  const text =
    exhausted !== undefined || why === "limit"
      ? `the work for this question was limited (${exhausted ?? why})`
      : `no server of the zone gave an answer`;
  // That one client's budget ran out says nothing about the name.
  return failure(core, name, type, { code: EDE.NO_REACHABLE, text }, false);
}

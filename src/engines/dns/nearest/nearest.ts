/**
 * Nearest answers: of the edges that a name has, which addresses a client is given. RFC 7871 7.2.
 *
 * The order of the edges for a client: those that claim its network, the longest prefix first; then by
 * distance from where the client is; then those without a place, and all of them for a client of
 * which nothing is known, as the file lists them. Of that order the first is taken that is well; if
 * none is, the overloaded one with the most room; if all are down, what the zone itself holds.
 */
import type { NameKey } from "../../../codecs/dns/canonical.ts";
import { CLASS, TYPE } from "../../../codecs/dns/constants.ts";
import type { Nanos } from "../../host.ts";
import { Rrset } from "../zone.ts";
import type { EdgeCondition, EdgeReport } from "./edge-state.ts";
import { EdgeState } from "./edge-state.ts";
import type { Network } from "./network.ts";
import type { Edge, NearestPlan, Place } from "./plan.ts";
import { PrefixTree } from "./prefix-tree.ts";

/** One answer in the place of the zone's own. */
export interface Tailored {
  readonly rrset: Rrset;
  readonly ttl: number;
  /** SCOPE PREFIX-LENGTH: whom else the answer is for. */
  readonly scope: number;
}

/** Who gives some names other addresses for each client; asked by the authority. */
export interface Tailor {
  /** `own`: what the zone holds. Undefined: that is the answer, for everybody. */
  choose(
    name: NameKey,
    type: number,
    own: Rrset | undefined,
    client: Network,
  ): Tailored | undefined;
}

export type Reason = "prefix" | "distance" | "order" | "least loaded" | "all down" | "no address";

export interface Explained {
  readonly place: string | undefined;
  readonly scope: number;
  /** Undefined: the zone's own records. */
  readonly chosen: string | undefined;
  readonly addresses: readonly string[];
  readonly because: Reason;
  /** In the order in which the client would be sent to them. */
  readonly edges: readonly {
    readonly edge: string;
    readonly prefix: boolean;
    readonly km: number | undefined;
    readonly condition: EdgeCondition;
    readonly load: number | undefined;
  }[];
}

/** What is known of an edge, for another process that chooses alike. */
export interface EdgeSnapshot {
  readonly edge: string;
  readonly condition: EdgeCondition;
  readonly share: number | undefined;
}

/** What prefixes say of clients within them. */
interface Mark {
  place: Place | undefined;
  readonly edges: Edge[];
}

interface Ranked {
  readonly edge: Edge;
  readonly state: EdgeState;
  /** A prefix of its own holds the client. */
  readonly prefix: boolean;
  readonly km: number | undefined;
}

interface Order {
  readonly place: Place | undefined;
  readonly ranked: readonly Ranked[];
}

interface EdgeSet {
  readonly edges: readonly Edge[];
  readonly trees: { readonly v4: PrefixTree<Mark>; readonly v6: PrefixTree<Mark> };
  /** By the longest prefix that holds the client: what is above it is then known too. */
  readonly orders: Map<Mark | undefined, Order>;
}

interface Chosen {
  readonly ranked: Ranked | undefined;
  readonly because: Reason;
}

export class Nearest implements Tailor {
  readonly plan: NearestPlan;
  private readonly sets = new Map<NameKey, EdgeSet>();
  private readonly states = new Map<string, EdgeState>();
  /** Addresses of edges as answers, made when first wanted. */
  private readonly rrsets = new Map<string, Rrset>();

  /** `before`: whose knowledge of edges of the same names goes on. */
  constructor(plan: NearestPlan, before?: Nearest) {
    this.plan = plan;
    const { high, low, hold, check } = plan;
    for (const { name, capacity } of plan.edges) {
      const limits = {
        capacity,
        high,
        low,
        hold,
        fails: check?.fails ?? 1,
        passes: check?.passes ?? 1,
      };
      const state = before?.states.get(name) ?? new EdgeState(limits);
      state.limits = limits;
      this.states.set(name, state);
    }
    for (const { key, edges } of plan.names)
      this.sets.set(key, { edges, trees: this.treesOf(edges), orders: new Map() });
  }

  private treesOf(edges: readonly Edge[]): EdgeSet["trees"] {
    const trees = { v4: new PrefixTree<Mark>(), v6: new PrefixTree<Mark>() };
    const mark = (network: Network) =>
      treeFor(trees, network).at(network, () => ({ place: undefined, edges: [] }));
    for (const { network, place } of this.plan.clients) mark(network).place = place;
    for (const edge of edges) for (const network of edge.prefixes) mark(network).edges.push(edge);
    return trees;
  }

  /** An edge told, or was seen. True when its condition is another one now. @throws RangeError */
  report(edge: string, told: EdgeReport, now: Nanos): boolean {
    const state = this.states.get(edge);
    if (state === undefined) throw new RangeError(`there is no edge ${edge}`);
    return state.report(told, now);
  }

  snapshot(): EdgeSnapshot[] {
    return [...this.states].map(([edge, { condition, share }]) => ({ edge, condition, share }));
  }

  /** Takes what another process knows; edges that are none of ours are left out. */
  adopt(edges: readonly EdgeSnapshot[]): void {
    for (const { edge, condition, share } of edges) this.states.get(edge)?.adopt(condition, share);
  }

  condition(edge: string): EdgeCondition | undefined {
    return this.states.get(edge)?.condition;
  }

  /** Its load as a share of its capacity. */
  share(edge: string): number | undefined {
    return this.states.get(edge)?.share;
  }

  choose(
    name: NameKey,
    type: number,
    own: Rrset | undefined,
    client: Network,
  ): Tailored | undefined {
    const set = this.sets.get(name);
    if (set === undefined) return undefined;
    const { order, scope } = orderFor(set, this.states, client);
    const { ranked } = pick(order.ranked, type, own !== undefined);
    const { ttl } = this.plan;
    if (ranked !== undefined) return { rrset: this.rrset(ranked.edge, type, ttl), ttl, scope };
    return own === undefined ? undefined : { rrset: own, ttl: Math.min(own.ttl, ttl), scope };
  }

  /** Why a client is sent where it is. Undefined: the name has no edges. */
  explain(name: NameKey, type: number, own: boolean, client: Network): Explained | undefined {
    const set = this.sets.get(name);
    if (set === undefined) return undefined;
    const { order, scope } = orderFor(set, this.states, client);
    const { ranked, because } = pick(order.ranked, type, own);
    return {
      place: order.place?.name,
      scope,
      chosen: ranked?.edge.name,
      addresses: ranked === undefined ? [] : addressesOf(ranked.edge, type),
      because,
      edges: order.ranked.map(({ edge, state, prefix, km }) => ({
        edge: edge.name,
        prefix,
        km: km === undefined ? undefined : Math.round(km),
        condition: state.condition,
        load: state.share,
      })),
    };
  }

  private rrset(edge: Edge, type: number, ttl: number): Rrset {
    const id = `${type} ${edge.name}`;
    const known = this.rrsets.get(id);
    if (known !== undefined) return known;
    // The owner is written by the answer: the question's name.
    const records = addressesOf(edge, type).map((address) => ({
      name: ".",
      type,
      class: CLASS.IN,
      ttl,
      rdata: { address },
    }));
    const made = new Rrset(records, undefined);
    this.rrsets.set(id, made);
    return made;
  }
}

function addressesOf(edge: Edge, type: number): readonly string[] {
  return type === TYPE.A ? edge.v4 : type === TYPE.AAAA ? edge.v6 : [];
}

function treeFor(trees: EdgeSet["trees"], { bytes }: Network): PrefixTree<Mark> {
  return bytes.length === 4 ? trees.v4 : trees.v6;
}

function orderFor(
  set: EdgeSet,
  states: ReadonlyMap<string, EdgeState>,
  client: Network,
): { order: Order; scope: number } {
  const { values, scope } = treeFor(set.trees, client).match(client);
  const longest = values.at(-1);
  let order = set.orders.get(longest);
  if (order === undefined) {
    order = rank(set.edges, states, values);
    set.orders.set(longest, order);
  }
  return { order, scope };
}

function rank(
  edges: readonly Edge[],
  states: ReadonlyMap<string, EdgeState>,
  marks: readonly Mark[],
): Order {
  const longestFirst = [...marks].reverse();
  const place = longestFirst.find((mark) => mark.place !== undefined)?.place;
  const claims = [...new Set(longestFirst.flatMap((mark) => mark.edges))];
  const make = (edge: Edge, prefix: boolean): Ranked => ({
    edge,
    state: states.get(edge.name) as EdgeState,
    prefix,
    km: place === undefined || edge.place === undefined ? undefined : distance(place, edge.place),
  });
  const far = (one: Ranked) => one.km ?? Number.MAX_VALUE;
  const others = edges
    .filter((edge) => !claims.includes(edge))
    .map((edge) => make(edge, false))
    .sort((a, b) => far(a) - far(b));
  return { place, ranked: [...claims.map((edge) => make(edge, true)), ...others] };
}

function pick(order: readonly Ranked[], type: number, own: boolean): Chosen {
  const able = order.filter(({ edge }) => addressesOf(edge, type).length > 0);
  if (able.length === 0) return { ranked: undefined, because: "no address" };
  const first = able.find(({ state }) => state.condition === "well");
  if (first !== undefined) {
    const because = first.prefix ? "prefix" : first.km === undefined ? "order" : "distance";
    return { ranked: first, because };
  }
  let most: Ranked | undefined;
  for (const one of able) {
    if (one.state.condition === "down") continue;
    if (most === undefined || (one.state.share ?? 0) < (most.state.share ?? 0)) most = one;
  }
  if (most !== undefined) return { ranked: most, because: "least loaded" };
  // Nobody is better served by no answer: the checks may be what is broken.
  return { ranked: own ? undefined : able[0], because: "all down" };
}

const EARTH_KM = 6371;

/** Kilometres on the great circle (haversine). */
function distance(a: Place, b: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLatitude = Math.sin(radians(b.latitude - a.latitude) / 2);
  const dLongitude = Math.sin(radians(b.longitude - a.longitude) / 2);
  const h =
    dLatitude * dLatitude +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * dLongitude * dLongitude;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

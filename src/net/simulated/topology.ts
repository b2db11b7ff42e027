/**
 * The simulated network as a graph: vertices (nodes and routers) joined by links with a delay in
 * each direction. An address may stand on several vertices: the nearest by route answers (RFC 4786).
 */
import type { Nanos, Random } from "../../engines/host.ts";
import { LinkQueue } from "./link-queue.ts";
import type { Middlebox } from "./middlebox.ts";
import type { SimNode } from "./node.ts";

/** One direction of a link. */
export interface LinkQuality {
  /** One way. */
  readonly delay: Nanos;
  /** Each packet waits up to this much longer. Packets may overtake each other by it. */
  readonly jitter: Nanos;
  /** Chances from 0 to 1. */
  readonly loss: number;
  readonly duplicate: number;
  /** A packet that is reordered comes later by up to four delays. */
  readonly reorder: number;
  /** A bit flips, and the sum of UDP or TCP no longer fits: the host drops the packet. */
  readonly corrupt: number;
  /** Octets of an IP packet above which it vanishes: a black hole of path MTU discovery (RFC 2923 2.1). */
  readonly mtu: number;
  /** Bits a second; infinite: packets do not wait for each other. */
  readonly rate: number;
  /** Octets that may wait or be on their way onto the link, above which a packet is dropped (drop-tail). */
  readonly queue: number;
  readonly up: boolean;
}

export const PLAIN: LinkQuality = {
  delay: 0,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  corrupt: 0,
  mtu: Number.POSITIVE_INFINITY,
  rate: Number.POSITIVE_INFINITY,
  queue: Number.POSITIVE_INFINITY,
  up: true,
};

/** One direction. */
export class Link {
  readonly from: Vertex;
  readonly to: Vertex;
  readonly random: Random;
  /** What waits for it, where it has a rate. */
  readonly queue = new LinkQueue();
  /** As it is now: as it was made, with the changes of all faults that last. */
  quality: LinkQuality;
  private readonly made: LinkQuality;
  private changes: readonly Partial<LinkQuality>[] = [];

  constructor(from: Vertex, to: Vertex, quality: LinkQuality, random: Random) {
    this.from = from;
    this.to = to;
    this.made = quality;
    this.quality = quality;
    this.random = random;
  }

  /** Adds or takes away a change; they may overlap, and end in any order. */
  change(change: Partial<LinkQuality>, lasts: boolean): void {
    this.changes = lasts
      ? [...this.changes, change]
      : this.changes.filter((other) => other !== change);
    this.quality = Object.assign({}, this.made, ...this.changes);
  }

  /** Nothing but delay happens to its packets. */
  get plain(): boolean {
    return this.pure && !this.rated;
  }

  /** Packets wait for each other. */
  get rated(): boolean {
    return this.quality.rate !== Number.POSITIVE_INFINITY;
  }

  /** It has no faults. */
  get pure(): boolean {
    const q = this.quality;
    return (
      q.jitter === 0 &&
      q.loss === 0 &&
      q.duplicate === 0 &&
      q.reorder === 0 &&
      q.corrupt === 0 &&
      q.mtu === Number.POSITIVE_INFINITY
    );
  }
}

export class Vertex {
  readonly index: number;
  readonly name: string;
  /** Outgoing. */
  readonly links: Link[] = [];
  node: SimNode | undefined;
  box: Middlebox | undefined;
  /** Whether routes may lead through it: hosts do not forward. */
  readonly forwards: boolean;
  routes: Routes | undefined;

  constructor(index: number, name: string, forwards: boolean) {
    this.index = index;
    this.name = name;
    this.forwards = forwards;
  }
}

/** Distances from one vertex to all others, and the link by which each is entered. */
interface Routes {
  readonly version: number;
  readonly distance: Float64Array;
  readonly entry: (Link | undefined)[];
  readonly paths: Map<string, Path | null>;
}

/** How a packet goes from a vertex towards an address. */
export interface Path {
  readonly links: readonly Link[];
  readonly delay: Nanos;
  /** Nothing but delay happens on it. */
  readonly plain: boolean;
  /** Where it ends: at the address, or at the first middlebox. */
  readonly end: Vertex;
}

/** An address that takes what no other vertex has. */
export const EVERYWHERE = "*";

export class Topology {
  readonly vertices: Vertex[] = [];
  private readonly byName = new Map<string, Vertex>();
  private readonly byAddress = new Map<string, Vertex[]>();
  /** Changes with every change of links and addresses. */
  private version = 0;

  add(name: string, forwards: boolean): Vertex {
    if (this.byName.has(name)) throw new RangeError(`there are two vertices named ${name}`);
    const vertex = new Vertex(this.vertices.length, name, forwards);
    this.vertices.push(vertex);
    this.byName.set(name, vertex);
    this.version++;
    return vertex;
  }

  get(name: string): Vertex {
    const vertex = this.byName.get(name);
    if (vertex === undefined) throw new RangeError(`there is no vertex named ${name}`);
    return vertex;
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** One direction; its quality may be changed later by `change`. */
  link(from: Vertex, to: Vertex, quality: LinkQuality, random: Random): Link {
    const link = new Link(from, to, quality, random);
    from.links.push(link);
    this.version++;
    return link;
  }

  linksBetween(a: string, b: string): Link[] {
    const from = this.get(a);
    const to = this.get(b);
    const links = [
      ...from.links.filter((link) => link.to === to),
      ...to.links.filter((link) => link.to === from),
    ];
    if (links.length === 0) throw new RangeError(`no link joins ${a} and ${b}`);
    return links;
  }

  change(link: Link, change: Partial<LinkQuality>, lasts: boolean): void {
    link.change(change, lasts);
    this.version++;
  }

  announce(address: string, vertex: Vertex): void {
    const places = this.byAddress.get(address);
    if (places === undefined) this.byAddress.set(address, [vertex]);
    else if (!places.includes(vertex)) places.push(vertex);
    this.version++;
  }

  withdraw(address: string, vertex: Vertex): void {
    const places = this.byAddress.get(address);
    const at = places?.indexOf(vertex) ?? -1;
    if (places !== undefined && at >= 0) places.splice(at, 1);
    this.version++;
  }

  /** Undefined: no route leads there. */
  path(from: Vertex, address: string): Path | undefined {
    let { routes } = from;
    if (routes === undefined || routes.version !== this.version) {
      routes = this.search(from);
      from.routes = routes;
    }
    const known = routes.paths.get(address);
    if (known !== undefined) return known ?? undefined;
    const path = this.find(from, routes, address);
    routes.paths.set(address, path ?? null);
    return path;
  }

  private find(from: Vertex, routes: Routes, address: string): Path | undefined {
    let places = this.byAddress.get(address);
    if (places === undefined || places.length === 0) places = this.byAddress.get(EVERYWHERE);
    let best: Vertex | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const place of places ?? []) {
      const distance = place === from ? 0 : (routes.distance[place.index] as number);
      if (distance < least) {
        least = distance;
        best = place;
      }
    }
    if (best === undefined) return undefined;
    return pathTo(routes, from, best);
  }

  /** Dijkstra; among equal distances the vertex added first, so that routes never depend on chance. */
  private search(from: Vertex): Routes {
    const count = this.vertices.length;
    const distance = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    const entry: (Link | undefined)[] = new Array(count).fill(undefined);
    const done = new Uint8Array(count);
    const heap: Vertex[] = [from];
    distance[from.index] = 0;
    const before = (a: Vertex, b: Vertex) =>
      (distance[a.index] as number) - (distance[b.index] as number) || a.index - b.index;
    while (heap.length > 0) {
      const vertex = popLeast(heap, before);
      if (done[vertex.index] === 1) continue;
      done[vertex.index] = 1;
      if (!vertex.forwards && vertex !== from) continue;
      for (const link of vertex.links) {
        if (!link.quality.up) continue;
        // A hop costs a nanosecond, so that of equal delays the shorter way is taken.
        const through = (distance[vertex.index] as number) + link.quality.delay + 1;
        if (through >= (distance[link.to.index] as number)) continue;
        distance[link.to.index] = through;
        entry[link.to.index] = link;
        pushHeap(heap, link.to, before);
      }
    }
    return { version: this.version, distance, entry, paths: new Map() };
  }
}

function pathTo(routes: Routes, from: Vertex, to: Vertex): Path {
  const links: Link[] = [];
  for (let at = to; at !== from; ) {
    const link = routes.entry[at.index] as Link;
    links.push(link);
    at = link.from;
  }
  links.reverse();
  const boxed = links.findIndex((link) => link.to.box !== undefined);
  const way = boxed < 0 ? links : links.slice(0, boxed + 1);
  return {
    links: way,
    delay: way.reduce((sum, link) => sum + link.quality.delay, 0),
    plain: way.every((link) => link.plain),
    end: way.at(-1)?.to ?? to,
  };
}

type Order = (a: Vertex, b: Vertex) => number;

function pushHeap(heap: Vertex[], vertex: Vertex, before: Order): void {
  let i = heap.push(vertex) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (before(heap[parent] as Vertex, vertex) <= 0) break;
    heap[i] = heap[parent] as Vertex;
    i = parent;
  }
  heap[i] = vertex;
}

function popLeast(heap: Vertex[], before: Order): Vertex {
  const least = heap[0] as Vertex;
  const last = heap.pop() as Vertex;
  if (heap.length === 0) return least;
  let i = 0;
  for (;;) {
    let child = i * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Vertex, heap[child] as Vertex) < 0)
      child++;
    if (before(last, heap[child] as Vertex) <= 0) break;
    heap[i] = heap[child] as Vertex;
    i = child;
  }
  heap[i] = last;
  return least;
}

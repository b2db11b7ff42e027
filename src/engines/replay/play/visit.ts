/**
 * A client that loads a recorded page: it asks for each object as soon as what names it has come,
 * by whatever way of fetching it is given.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Clock, Nanos } from "../../host.ts";
import type { Way } from "../../http/fetch/cached.ts";
import type { FetchRequest } from "../../http/fetch/fetcher.ts";
import type { Origin } from "../../http/fetch/origin.ts";
import type { Timing } from "../../http/fetch/timing.ts";

export interface VisitObject {
  readonly id: number;
  readonly method: string;
  readonly origin: Origin;
  readonly target: string;
  readonly fields: readonly Field[];
  /** The object that names it, and how much of its body must have come: undefined, all. */
  readonly parent: { readonly id: number; readonly afterBytes: number | undefined } | undefined;
  /** What the client takes from then to its request. */
  readonly think: Nanos;
}

/** What became of one object. */
export interface Visited {
  readonly object: VisitObject;
  /** When the client could first ask for it. */
  known: Nanos;
  timing: Timing | undefined;
  statusCode: number;
  /** Why it failed. */
  fault: string | undefined;
}

export class PageVisit {
  readonly visited: readonly Visited[];
  private readonly clock: Clock;
  private readonly way: Way;
  private readonly done: () => void;
  private left: number;
  private readonly children = new Map<number | undefined, Visited[]>();
  /** Octets of each body so far. */
  private readonly got: number[];
  private readonly extra: readonly Field[];

  /** `extra`: fields added to each request, as a reload does. */
  constructor(
    clock: Clock,
    way: Way,
    objects: readonly VisitObject[],
    extra: readonly Field[],
    done: () => void,
  ) {
    this.clock = clock;
    this.way = way;
    this.done = done;
    this.extra = extra;
    this.left = objects.length;
    this.got = objects.map(() => 0);
    this.visited = objects.map((object) => ({
      object,
      known: 0,
      timing: undefined,
      statusCode: 0,
      fault: undefined,
    }));
    const ids = new Set(objects.map(({ id }) => id));
    for (const one of this.visited) {
      const { parent } = one.object;
      const key = parent !== undefined && ids.has(parent.id) ? parent.id : undefined;
      const list = this.children.get(key);
      if (list === undefined) this.children.set(key, [one]);
      else list.push(one);
    }
  }

  start(): void {
    if (this.left === 0) this.clock.defer(this.done);
    for (const one of this.children.get(undefined) ?? []) this.ask(one);
  }

  private ask(one: Visited): void {
    one.known = this.clock.now();
    const { think } = one.object;
    if (think === 0) this.fetch(one);
    else this.clock.timer(() => this.fetch(one)).armAt(one.known + think);
  }

  private fetch(one: Visited): void {
    const { method, origin, target, fields } = one.object;
    const request: FetchRequest = { method, origin, target, fields: [...fields, ...this.extra] };
    const at = this.visited.indexOf(one);
    this.way.fetch(request, {
      head: (head) => {
        one.statusCode = head.statusCode;
        this.got[at] = 0;
        // What is unchanged is here already.
        if (head.statusCode === 304) this.got[at] = Number.POSITIVE_INFINITY;
        this.tell(one, at, false);
      },
      data: (bytes) => {
        this.got[at] = (this.got[at] as number) + bytes.length;
        this.tell(one, at, false);
      },
      end: (_trailers, timing) => this.ended(one, at, timing, undefined),
      failed: (why, timing) => this.ended(one, at, timing, why.message),
    });
  }

  /** Asks for what the object names, so far as it has come. */
  private tell(one: Visited, at: number, whole: boolean): void {
    const waiting = this.children.get(one.object.id);
    if (waiting === undefined) return;
    const got = this.got[at] as number;
    const ready = waiting.filter(({ object }) => {
      const after = object.parent?.afterBytes;
      return whole || (after !== undefined && got >= after);
    });
    if (ready.length === 0) return;
    this.children.set(
      one.object.id,
      waiting.filter((child) => !ready.includes(child)),
    );
    for (const child of ready) this.ask(child);
  }

  private ended(one: Visited, at: number, timing: Timing, fault: string | undefined): void {
    one.timing = timing;
    one.fault = fault;
    this.tell(one, at, true);
    if (--this.left === 0) this.done();
  }
}

/** A set of objects fetched by one strategy, and what it cost. */
import type { Field } from "../../codecs/http/message.ts";
import type { Host, Nanos } from "../../engines/host.ts";
import type { Fault, IncomingHead } from "../../engines/http/client-connection.ts";
import type { Agent, AgentSink, Hop } from "../../engines/http/fetch/agent.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import type { Strategy } from "../../engines/http/fetch/strategy.ts";
import { formulaOf, nameOf, roundTrips } from "../../engines/http/fetch/strategy.ts";
import type { Timing } from "../../engines/http/fetch/timing.ts";
import { handshakeTime } from "../../engines/http/fetch/timing.ts";
import { decoding } from "./decoding.ts";
import { explained } from "./faults.ts";

export interface Wanted {
  readonly url: string;
  readonly request: FetchRequest;
  /** The object that made this one known; none for those that were named. */
  readonly initiator?: string;
  /** Of the URL, as written. */
  readonly userinfo?: string;
}

export interface Fetched {
  readonly url: string;
  readonly method: string;
  readonly initiator: string | undefined;
  readonly timing: Timing;
  head: IncomingHead | undefined;
  error: { fault: Fault; message: string } | undefined;
  /** The last request, as it went out, and where to. */
  sent: { request: FetchRequest; url: string } | undefined;
  /** Redirects and challenges on the way, the oldest first. */
  readonly hops: Hop[];
}

export interface SetResult {
  /** `pipelined-warm` and the like where the connections were open already. */
  readonly name: string;
  readonly strategy: Strategy;
  readonly warm: boolean;
  readonly started: Nanos;
  /** The same in milliseconds since 1970. */
  readonly startedMs: number;
  readonly ended: Nanos;
  readonly objects: readonly Fetched[];
  readonly connections: number;
  /** Round trip, by the shortest opening of a connection; undefined where none was opened. */
  readonly rtt: Nanos | undefined;
  readonly formula: string;
  /** What the course counts for so many objects. */
  readonly roundTrips: number;
}

/** Takes bodies as they come. */
export interface BodyTaker {
  asked?(index: number, request: FetchRequest, url: string): void;
  hop?(index: number, hop: Hop): void;
  /** `timing`: so far. */
  head(index: number, head: IncomingHead, timing: Timing): void;
  data(index: number, bytes: Uint8Array): void;
  end(index: number, trailers: readonly Field[]): void;
  /** Objects that this one made known. */
  found?(index: number): readonly Wanted[];
}

/** Resolves once all of them, and those that they made known, are there or have failed. */
export function fetchSet(
  host: Host,
  agent: Agent,
  wanted: readonly Wanted[],
  taker: BodyTaker,
  options: { readonly warm?: boolean; readonly compressed?: boolean } = {},
): Promise<SetResult> {
  const { warm = false, compressed = false } = options;
  const { fetcher } = agent;
  const { strategy } = fetcher.options;
  const started = host.clock.now();
  const startedMs = host.clock.wallMs();
  const before = fetcher.opened;
  const objects: Fetched[] = [];
  return new Promise((resolve, reject) => {
    let open = 0;
    const finish = () => {
      if (--open > 0) return;
      const handshakes = objects.flatMap(({ timing: { connect } }) =>
        connect === undefined ? [] : [handshakeTime(connect)],
      );
      resolve({
        name: warm ? `${nameOf(strategy)}-warm` : nameOf(strategy),
        strategy,
        warm,
        started,
        startedMs,
        ended: Math.max(started, ...objects.map(({ timing }) => timing.end ?? started)),
        objects,
        connections: fetcher.opened - before,
        rtt: handshakes.length === 0 ? undefined : Math.min(...handshakes),
        formula: formulaOf(strategy, warm),
        roundTrips: roundTrips(strategy, objects.length, warm),
      });
    };
    const add = (one: Wanted) => {
      const index = objects.length;
      open++;
      const sink: AgentSink = {
        asked: (request, url) => {
          const object = objects[index];
          if (object !== undefined) object.sent = { request, url };
          taker.asked?.(index, request, url);
        },
        hop: (hop) => {
          objects[index]?.hops.push(hop);
          taker.hop?.(index, hop);
        },
        head: (head, timing) => {
          place(index, timing).head = head;
          taker.head(index, head, timing);
        },
        data: (bytes) => {
          taker.data(index, bytes);
          for (const more of taker.found?.(index) ?? []) add(more);
        },
        end: (trailers, timing) => {
          place(index, timing);
          taker.end(index, trailers);
          for (const more of taker.found?.(index) ?? []) add(more);
          finish();
        },
        failed: (why, timing) => {
          const object = place(index, timing);
          const got = { head: object.head, bodyBytes: timing.bodyBytes };
          const message = explained(why, object.sent?.request ?? one.request, got);
          object.error = { fault: why.fault, message };
          finish();
        },
      };
      objects.push({
        url: one.url,
        method: one.request.method,
        initiator: one.initiator,
        timing: NO_TIMING,
        head: undefined,
        error: undefined,
        sent: undefined,
        hops: [],
      });
      const inner = guarded(sink, (why) => {
        // First: what is given up ends the set, too.
        reject(why);
        agent.fetcher.abort("given up");
      });
      agent.fetch(one.request, compressed ? decoding(inner, one.request.method) : inner);
    };
    const place = (index: number, timing: Timing): Fetched => {
      const object = objects[index] as Fetched;
      if (object.timing !== timing) objects[index] = { ...object, timing };
      return objects[index] as Fetched;
    };
    open++;
    for (const one of wanted) add(one);
    finish();
  });
}

/** What a taker throws (a full disk, a limit) ends the set, not the process. */
function guarded(sink: AgentSink, failed: (why: unknown) => void): AgentSink {
  const safe =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      try {
        call(...args);
      } catch (error) {
        failed(error);
      }
    };
  return {
    ...sink,
    head: safe(sink.head),
    data: safe(sink.data),
    end: safe(sink.end),
    failed: safe(sink.failed),
  };
}

const NO_TIMING: Timing = {
  queued: 0,
  connection: 0,
  onConnection: 0,
  ahead: 0,
  bodyBytes: 0,
  headBytes: 0,
  tries: 0,
};

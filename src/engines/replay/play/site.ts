/** Servers of a workload: they answer with what was recorded, as late as those of the capture did. */
import type { Field } from "../../../codecs/http/message.ts";
import type { Clock, Nanos, TcpConnection } from "../../host.ts";
import { precondition } from "../../http/conditions.ts";
import { parseHttpDate } from "../../http/date.ts";
import type { Exchange } from "../../http/exchange.ts";
import { field } from "../../http/fields.ts";

/** What a server answers a target with. */
export interface Recorded {
  readonly statusCode: number;
  readonly fields: readonly Field[];
  /** Octets of the head as it was on the wire, and of the body. */
  readonly headBytes: number;
  readonly body: Uint8Array;
  /** Before the first octet; undefined: no longer than the host itself takes. */
  readonly think: Nanos | undefined;
  /** The same for an answer that says no more than 304. */
  readonly thinkUnchanged: Nanos | undefined;
}

/** What a host takes for itself, apart from any work: measured on real ones. */
export interface HostTime {
  /** From a request's arrival to the answer; of several that arrive together once. */
  readonly exchange: Nanos;
  /** More for the first request of a connection. */
  readonly accept: Nanos;
}

/** Told by servers themselves, or of the connection and not of the response (RFC 9110 7.6.1). */
const NOT_REPLAYED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "trailer",
  "upgrade",
  "proxy-connection",
]);

export function replayable(fields: readonly Field[]): Field[] {
  return fields.filter(({ name }) => !NOT_REPLAYED.has(name.toLowerCase()));
}

interface Lane {
  readonly queue: Exchange[];
  busy: boolean;
  served: number;
}

/** A handler of exchanges: requests of one connection one after the other, those that need no thought in one write. */
export class RecordedSite {
  private readonly clock: Clock;
  private readonly find: (exchange: Exchange) => Recorded | undefined;
  private readonly time: HostTime;
  private readonly lanes = new WeakMap<TcpConnection, Lane>();
  /** Requests answered, and octets of their bodies. */
  requests = 0;
  bytes = 0;

  constructor(clock: Clock, find: (exchange: Exchange) => Recorded | undefined, time: HostTime) {
    this.clock = clock;
    this.find = find;
    this.time = time;
  }

  handle(exchange: Exchange): void {
    const { connection } = exchange;
    let lane = this.lanes.get(connection);
    if (lane === undefined) {
      lane = { queue: [], busy: false, served: 0 };
      this.lanes.set(connection, lane);
    }
    lane.queue.push(exchange);
    if (!lane.busy) this.begin(lane);
  }

  private begin(lane: Lane): void {
    const first = lane.queue[0];
    if (first === undefined) return;
    lane.busy = true;
    const { exchange, accept } = this.time;
    const own = exchange + (lane.served === 0 ? accept : 0);
    this.later(Math.max(own, this.thinkOf(first) ?? 0), lane);
  }

  private later(wait: Nanos, lane: Lane): void {
    this.clock.timer(() => this.serve(lane)).armAt(this.clock.now() + wait);
  }

  private serve(lane: Lane): void {
    const first = lane.queue[0] as Exchange;
    first.batch(() => {
      this.answer(lane.queue.shift() as Exchange);
      lane.served++;
      while (lane.queue[0] !== undefined && (this.thinkOf(lane.queue[0]) ?? 0) === 0) {
        this.answer(lane.queue.shift() as Exchange);
        lane.served++;
      }
    });
    const next = lane.queue[0];
    if (next === undefined) lane.busy = false;
    else this.later(this.thinkOf(next) as Nanos, lane);
  }

  private thinkOf(exchange: Exchange): Nanos | undefined {
    const recorded = this.find(exchange);
    if (recorded === undefined) return undefined;
    return unchanged(exchange, recorded) ? recorded.thinkUnchanged : recorded.think;
  }

  private answer(exchange: Exchange): void {
    this.requests++;
    const recorded = this.find(exchange);
    if (recorded === undefined) {
      exchange.respondError(404, "not in the recording");
      return;
    }
    if (unchanged(exchange, recorded)) {
      exchange.respond({ statusCode: 304, fields: recorded.fields });
      return;
    }
    this.bytes += recorded.body.length;
    exchange.respond({ statusCode: recorded.statusCode, fields: padded(recorded) }, recorded.body);
  }
}

/** RFC 9110 13.1: the client has what would be sent. */
function unchanged(exchange: Exchange, recorded: Recorded): boolean {
  if (recorded.statusCode !== 200) return false;
  const etag = field(recorded.fields, "etag");
  const modified = field(recorded.fields, "last-modified");
  if (etag === undefined && modified === undefined) return false;
  const lastModifiedMs =
    modified === undefined ? undefined : parseHttpDate(modified, exchange.host.clock.wallMs());
  const { method, fields } = exchange.request;
  const nowMs = exchange.host.clock.wallMs();
  return precondition(method, fields, { etag, lastModifiedMs }, true, nowMs) === 304;
}

const PADDING = "X-Padding";
/** Of a status line with its reason, and of Content-Length and the empty line, about. */
const LINE_BYTES = 19;

const DATE_BYTES = 37;

/** A head as long as the recorded one, where its fields do not make it so. */
function padded(recorded: Recorded): readonly Field[] {
  const { fields, headBytes, body } = recorded;
  let bytes = LINE_BYTES + `Content-Length: ${body.length}\r\n`.length;
  // A server adds the date where it is not recorded.
  if (field(fields, "date") === undefined) bytes += DATE_BYTES;
  for (const { name, value } of fields) bytes += name.length + value.length + 4;
  const missing = headBytes - bytes - PADDING.length - 4;
  return missing > 0 ? [...fields, { name: PADDING, value: "x".repeat(missing) }] : fields;
}

/**
 * One multiplexed connection as HTTP/2 uses it (RFC 9113), as a model: all requests at once, small
 * ones (HPACK), responses as soon as each is ready, in frames that take turns. Frames here have nine
 * octets of head as there, but say only what the model needs.
 */
import type { Endpoint, Host, Nanos, TcpConnection, TlsClient } from "../../host.ts";
import { ExchangeError } from "../../http/client-connection.ts";
import type { Way } from "../../http/fetch/cached.ts";
import type { FetchRequest, FetchSink } from "../../http/fetch/fetcher.ts";
import type { Timing } from "../../http/fetch/timing.ts";
import type { HostTime, Recorded } from "./site.ts";

/** RFC 9113 4.2: what peers allow by default. */
const FRAME_BYTES = 16_384;
const FRAME_HEAD = 9;
/** A request after the first of a page, with its fields in the table (RFC 7541): about this much. */
const REQUEST_BYTES = 50;
const FIRST_REQUEST_BYTES = 250;
/** A response's head: fields that repeat cost little. */
const HEAD_BYTES = 60;
const LAST = 1;
const HEAD = 2;

/** `[length 3][flags 1][unused 1][stream 4]` and the octets. */
function frame(stream: number, flags: number, length: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (length << 8) | flags);
  view.setUint32(5, stream);
  return bytes;
}

/** Frames out of the octets of a stream. */
class Frames {
  private kept = new Uint8Array(0);

  push(
    data: Uint8Array,
    each: (stream: number, flags: number, length: number, body: Uint8Array) => void,
  ): void {
    let all = data;
    if (this.kept.length > 0) {
      all = new Uint8Array(this.kept.length + data.length);
      all.set(this.kept);
      all.set(data, this.kept.length);
    }
    let at = 0;
    while (all.length - at >= FRAME_HEAD) {
      const view = new DataView(all.buffer, all.byteOffset + at);
      const word = view.getUint32(0);
      const length = word >>> 8;
      if (all.length - at - FRAME_HEAD < length) break;
      const from = at + FRAME_HEAD;
      each(view.getUint32(5), word & 255, length, all.subarray(from, from + length));
      at = from + length;
    }
    this.kept = all.slice(at);
  }
}

interface Outgoing {
  readonly stream: number;
  left: number;
}

/** The server's side of one connection. */
class MuxServed {
  private readonly host: Host;
  private readonly connection: TcpConnection;
  private readonly find: (path: string) => Recorded | undefined;
  private readonly time: HostTime;
  private readonly frames = new Frames();
  private readonly ready: Outgoing[] = [];
  private turn = 0;
  private served = 0;

  constructor(
    host: Host,
    connection: TcpConnection,
    find: (path: string) => Recorded | undefined,
    time: HostTime,
  ) {
    this.host = host;
    this.connection = connection;
    this.find = find;
    this.time = time;
  }

  onData(data: Uint8Array): void {
    this.frames.push(data, (stream, _flags, _length, body) => {
      const text = new TextDecoder().decode(body);
      this.asked(stream, text.slice(0, text.indexOf("\n")));
    });
  }

  private asked(stream: number, path: string): void {
    const recorded = this.find(path);
    const { exchange, accept } = this.time;
    const own = exchange + (this.served++ === 0 ? accept : 0);
    const wait = Math.max(own, recorded?.think ?? 0);
    const { clock } = this.host;
    const answer = () => {
      this.connection.write(frame(stream, HEAD, HEAD_BYTES), true);
      this.ready.push({ stream, left: recorded?.body.length ?? 0 });
      this.pump();
    };
    clock.timer(answer).armAt(clock.now() + wait);
  }

  onDrain(): void {
    this.pump();
  }

  onClose(): void {}

  /** A frame of each response in turn. */
  private pump(): void {
    const { ready } = this;
    while (ready.length > 0) {
      this.turn %= ready.length;
      const one = ready[this.turn] as Outgoing;
      const length = Math.min(FRAME_BYTES, one.left);
      one.left -= length;
      const last = one.left === 0;
      if (last) ready.splice(this.turn, 1);
      else this.turn++;
      if (!this.connection.write(frame(one.stream, last ? LAST : 0, length), ready.length > 0))
        return;
    }
  }
}

/** Answers multiplexed requests at an address. */
export function serveMultiplexed(
  host: Host,
  at: Endpoint,
  find: (path: string) => Recorded | undefined,
  time: HostTime,
  tls: { readonly cert: string; readonly key: string } | undefined,
): void {
  host.listen(
    (connection) => {
      connection.setNoDelay(true);
      return new MuxServed(host, connection, find, time);
    },
    { local: at, ...(tls === undefined ? {} : { tls }) },
  );
}

interface Waiting {
  readonly request: FetchRequest;
  readonly sink: FetchSink;
  readonly timing: Timing;
}

/** The client's side: one connection to each server, opened ahead or when it is first needed. */
export class MultiplexedWay implements Way {
  opened = 0;
  private readonly host: Host;
  private readonly place: (request: FetchRequest) => { at: Endpoint; key: string; tls?: TlsClient };
  private readonly lanes = new Map<string, MuxLane>();

  constructor(
    host: Host,
    place: (request: FetchRequest) => { at: Endpoint; key: string; tls?: TlsClient },
  ) {
    this.host = host;
    this.place = place;
  }

  /** Opens the connection that the request would use. */
  open(request: FetchRequest): MuxLane {
    const { at, key, tls } = this.place(request);
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = new MuxLane(this.host, at, tls, ++this.opened);
      this.lanes.set(key, lane);
    }
    return lane;
  }

  fetch(request: FetchRequest, sink: FetchSink): void {
    this.open(request).ask(request, sink);
  }
}

export class MuxLane {
  private readonly host: Host;
  private readonly connection: TcpConnection;
  private readonly number: number;
  private readonly started: Nanos;
  private openedAt: Nanos | undefined;
  private readonly frames = new Frames();
  private readonly waiting = new Map<number, Waiting>();
  private readonly queue: number[] = [];
  private next = 0;
  private flushing = false;

  constructor(host: Host, at: Endpoint, tls: TlsClient | undefined, number: number) {
    this.host = host;
    this.number = number;
    this.started = host.clock.now();
    this.connection = host.connect(
      {
        onOpen: (c) => {
          c.setNoDelay(true);
          this.openedAt = host.clock.now();
          this.flush();
        },
        onData: (data) => this.frames.push(data, (...told) => this.frame(...told)),
        onClose: (cause) => this.closed(cause),
      },
      { remote: at, tls },
    );
  }

  ask(request: FetchRequest, sink: FetchSink): void {
    const stream = this.next++;
    const timing: Timing = {
      queued: this.host.clock.now(),
      connection: this.number,
      onConnection: stream + 1,
      ahead: 0,
      bodyBytes: 0,
      headBytes: HEAD_BYTES,
      tries: 1,
    };
    this.waiting.set(stream, { request, sink, timing });
    this.queue.push(stream);
    if (this.openedAt === undefined || this.flushing) return;
    this.flushing = true;
    // Requests of one moment share segments.
    this.host.clock.defer(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    const now = this.host.clock.now();
    for (let stream = this.queue.shift(); stream !== undefined; stream = this.queue.shift()) {
      const one = this.waiting.get(stream);
      if (one === undefined) continue;
      one.timing.sent = now;
      if (stream === 0) one.timing.connect = { from: this.started, to: this.openedAt ?? now };
      const { origin, target } = one.request;
      const path = new TextEncoder().encode(`${origin.host}:${origin.port} ${target}\n`);
      const size = stream === 0 ? FIRST_REQUEST_BYTES : REQUEST_BYTES;
      const bytes = frame(stream, LAST, Math.max(path.length, size));
      bytes.set(path, FRAME_HEAD);
      this.connection.write(bytes, this.queue.length > 0);
    }
  }

  private frame(stream: number, flags: number, length: number, body: Uint8Array): void {
    const one = this.waiting.get(stream);
    if (one === undefined) return;
    const { sink, timing } = one;
    const now = this.host.clock.now();
    if ((flags & HEAD) !== 0) {
      timing.head = now;
      sink.head(OK, timing);
      return;
    }
    timing.bodyBytes += length;
    if (length > 0) sink.data(body);
    if ((flags & LAST) === 0) return;
    this.waiting.delete(stream);
    timing.end = now;
    sink.end([], timing);
  }

  private closed(cause: string): void {
    const left = [...this.waiting.values()];
    this.waiting.clear();
    for (const { sink, timing } of left) {
      sink.failed(
        new ExchangeError("closed", `the connection closed (${cause})`, true, true),
        timing,
      );
    }
  }
}

const OK = {
  statusCode: 200,
  reasonPhrase: "",
  version: "HTTP/2",
  fields: [],
  length: undefined,
  headBytes: HEAD_BYTES,
};

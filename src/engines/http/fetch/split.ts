/**
 * One large object by ranges, over several connections and from several servers that have the same
 * (RFC 9110 14). Pieces are given out one by one, so that who is faster does more; a piece that was
 * cut goes on where it was, at another server. Octets of a different object are never mixed in: the
 * size must be the same everywhere, and the validator as long as one server is asked.
 */
import type { IncomingHead } from "../client-connection.ts";
import { field } from "../fields.ts";
import { parseContentRange } from "../ranges.ts";
import type { Agent } from "./agent.ts";
import type { FetchRequest } from "./fetcher.ts";
import { urlOf } from "./redirect.ts";

export interface SplitOptions {
  readonly agent: Agent;
  /** GET requests for the same object. */
  readonly sources: readonly FetchRequest[];
  /** Pieces on their way at once. */
  readonly connections: number;
  /** What an earlier run left: only used when size and validator are the same. */
  readonly earlier?: SplitMap | undefined;
}

/** What is there of an object. */
export interface SplitMap {
  readonly size: number;
  readonly validator: string | undefined;
  /** From and up to, not including; in order, not touching. */
  readonly missing: readonly (readonly [number, number])[];
}

export interface SourceShare {
  readonly url: string;
  bytes: number;
  pieces: number;
  faults: number;
  lastFault: string | undefined;
}

export interface SplitEvents {
  /** The size is known: `reused` octets are there already. Undefined size: the server does no ranges. */
  begun(size: number | undefined, reused: number): void;
  data(at: number, bytes: Uint8Array): void;
  done(): void;
  /** No server is left that gives what is missing. */
  failed(why: string): void;
}

interface Piece {
  at: number;
  end: number;
  tries: number;
}

interface Source extends SourceShare {
  readonly request: FetchRequest;
  validator: string | undefined;
  /** Faults without a piece between them. */
  inARow: number;
  running: number;
}

const FIRST_BYTES = 1024 * 1024;
const MIN_PIECE = 1024 * 1024;
const MAX_PIECE = 64 * 1024 * 1024;
/** Each connection gets about so many pieces, so that the last ones end together. */
const PIECES_EACH = 6;
const MAX_TRIES = 8;
const MAX_FAULTS = 3;

export class Split {
  readonly shares: readonly SourceShare[];
  private readonly options: SplitOptions;
  private readonly events: SplitEvents;
  private readonly sources: Source[];
  private queue: Piece[] = [];
  private readonly running = new Set<Piece>();
  private size: number | undefined = undefined;
  private over = false;

  constructor(options: SplitOptions, events: SplitEvents) {
    this.options = options;
    this.events = events;
    this.sources = options.sources.map((request) => ({
      request,
      url: urlOf(request.origin, request.target),
      bytes: 0,
      pieces: 0,
      faults: 0,
      lastFault: undefined,
      validator: undefined,
      inARow: 0,
      running: 0,
    }));
    this.shares = this.sources;
  }

  start(): void {
    this.queue = [{ at: 0, end: FIRST_BYTES, tries: 0 }];
    this.push();
  }

  /** Nothing more is asked for or told. */
  stop(): void {
    this.over = true;
  }

  /** What a later run can go on with; undefined before the size is known. */
  map(): SplitMap | undefined {
    if (this.size === undefined) return undefined;
    const missing = [...this.queue, ...this.running]
      .filter(({ at, end }) => at < end)
      .sort((a, b) => a.at - b.at)
      .map(({ at, end }) => [at, end] as const);
    return { size: this.size, validator: this.sources[0]?.validator, missing };
  }

  private push(): void {
    if (this.over) return;
    if (this.queue.length === 0 && this.running.size === 0) {
      this.over = true;
      this.events.done();
      return;
    }
    // Until the size is known there is one piece to ask for.
    const most = this.size === undefined ? 1 : this.options.connections;
    while (this.running.size < most && this.queue.length > 0) {
      const source = this.next();
      if (source === undefined) {
        this.fail(this.faults());
        return;
      }
      this.ask(source, this.queue.shift() as Piece);
    }
  }

  private fail(why: string): void {
    if (this.over) return;
    this.over = true;
    this.events.failed(why);
  }

  private faults(): string {
    return this.sources.map(({ url, lastFault }) => `${url}: ${lastFault}`).join("; ");
  }

  /** The server with the least on its way, of those that are any good. */
  private next(): Source | undefined {
    let best: Source | undefined;
    for (const source of this.sources) {
      if (source.inARow >= MAX_FAULTS) continue;
      if (best === undefined || source.running < best.running) best = source;
    }
    return best;
  }

  private ask(source: Source, piece: Piece): void {
    this.running.add(piece);
    source.running++;
    const from = piece.at;
    let fault: string | undefined;
    let whole = false;
    const over = () => {
      this.running.delete(piece);
      source.running--;
    };
    const { request } = source;
    const fields = [
      ...request.fields,
      { name: "Range", value: `bytes=${piece.at}-${piece.end - 1}` },
    ];
    if (source.validator !== undefined) fields.push({ name: "If-Range", value: source.validator });
    this.options.agent.fetch(
      { ...request, fields },
      {
        head: (head) => {
          if (head.statusCode === 200 && this.size === undefined) {
            whole = true;
            piece.at = 0;
            this.events.begun(undefined, 0);
            return;
          }
          fault = this.judge(source, piece, head);
        },
        data: (bytes) => {
          if (fault !== undefined || this.over) return;
          const room = whole ? bytes.length : Math.min(bytes.length, piece.end - piece.at);
          this.events.data(piece.at, room === bytes.length ? bytes : bytes.subarray(0, room));
          piece.at += room;
          source.bytes += room;
        },
        end: () => {
          over();
          if (fault === undefined && (whole || piece.at >= piece.end)) {
            source.pieces++;
            source.inARow = 0;
            this.push();
          } else if (fault === undefined && piece.at > from) {
            // RFC 9110 15.3.7: a server may send less than was asked for; the rest is asked for next.
            this.queue.unshift(piece);
            this.push();
          } else this.again(source, piece, fault ?? "a range came shorter than it was said to be");
        },
        failed: (why) => {
          over();
          // Without ranges there is no going on.
          if (whole) this.fail(`${source.url}: ${why.message}`);
          else this.again(source, piece, why.message);
        },
      },
    );
  }

  private again(source: Source, piece: Piece, why: string): void {
    source.faults++;
    source.inARow++;
    source.lastFault = why;
    piece.tries++;
    if (piece.at < piece.end) this.queue.unshift(piece);
    if (piece.tries > MAX_TRIES) this.fail(this.faults());
    else this.push();
  }

  /** Why the answer is no part of the object; undefined when it is. */
  private judge(source: Source, piece: Piece, head: IncomingHead): string | undefined {
    const { statusCode, fields } = head;
    const told = field(fields, "content-range") ?? "";
    if (statusCode === 416 && this.size === undefined && /^bytes \*\/0$/.test(told)) {
      this.settle(source, 0, undefined, piece);
      return undefined;
    }
    if (statusCode === 200)
      return "it answered with the whole: the object changed, or it does no ranges";
    if (statusCode !== 206) return `it answered ${statusCode}`;
    const range = parseContentRange(told);
    if (range?.size === undefined) return "it does not tell the size";
    if (range.range.first !== piece.at) return "it sent another range";
    if (this.size !== undefined && range.size !== this.size) {
      return `its object has ${range.size} octets, not ${this.size}`;
    }
    const etag = field(fields, "etag");
    const validator = etag?.startsWith('"') === true ? etag : undefined;
    if (source.validator !== undefined && validator !== source.validator)
      return "the object changed";
    source.validator = validator;
    if (this.size === undefined) this.settle(source, range.size, validator, piece);
    return undefined;
  }

  /** The size is known: what is left is cut into pieces. */
  private settle(source: Source, size: number, validator: string | undefined, first: Piece): void {
    this.size = size;
    const { earlier, connections } = this.options;
    const reusable =
      earlier !== undefined &&
      earlier.size === size &&
      earlier.validator !== undefined &&
      earlier.validator === validator &&
      source === this.sources[0];
    const missing = reusable ? earlier.missing : [[0, size] as const];
    const bytes = Math.ceil(size / (connections * PIECES_EACH));
    const each = Math.min(MAX_PIECE, Math.max(MIN_PIECE, bytes));
    // The first piece is on its way: it may be shorter than it was asked for.
    const end = Math.min(first.end, size);
    first.end = end;
    for (const [from, to] of missing) {
      for (let at = Math.max(from, end); at < to; at += each) {
        this.queue.push({ at, end: Math.min(at + each, to), tries: 0 });
      }
    }
    const open = missing.reduce((sum, [from, to]) => sum + (to - from), 0);
    this.events.begun(size, size - open);
    this.push();
  }
}

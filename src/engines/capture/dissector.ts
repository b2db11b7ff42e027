/**
 * What the analyser asks of a protocol. A protocol recognises its bytes, and a dissector of it
 * turns the bytes of one flow into records (docs: RECORDS). Nothing here throws: what is wrong
 * with bytes becomes issues of a record.
 */
import type { Issue } from "../../codecs/errors.ts";
import type { BulkOutput } from "./bulk.ts";
import type { Flow } from "./flow.ts";
import type { Mark } from "./mark.ts";

/** 0: sent by the side that sent the first packet seen of the flow; 1: by the other. */
export type Direction = 0 | 1;

export interface DatagramProtocol {
  /** Name in records, in --decode-as and --protocol. */
  readonly name: string;
  /** Whether content alone says that the datagram is of this protocol. Must be cheap and hard to fool. */
  recognises(bytes: Uint8Array, start: number, end: number, flow: Flow): boolean;
  open(flow: Flow, context: DissectorContext): DatagramDissector;
  /** `open` gives one dissector for all flows, which keeps no state of any and no reference to one. */
  readonly stateless?: boolean;
}

/** May serve one flow or, where it keeps no state of flows, all of them: `open` decides. */
export interface DatagramDissector {
  /**
   * One datagram; `bytes` are only valid during the call. `cut`: the capture holds only its
   * beginning. Returns false when it is not of this protocol after all: others are then tried.
   */
  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean;
}

export interface StreamProtocol {
  readonly name: string;
  /** Judges the first bytes of one direction (or those after a hole, for flows begun in mid-stream). */
  probe(bytes: Uint8Array, start: number, end: number, flow: Flow): "yes" | "no" | "more";
  open(flow: Flow, context: DissectorContext): StreamDissector;
}

export interface StreamDissector {
  /** The next bytes of one direction, in order. Only valid during the call: copy what must be kept. */
  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void;
  /** The capture does not hold the next `missing` bytes. A `gap` record has been emitted already. */
  gap(direction: Direction, missing: number, mark: Mark): void;
  /** Bytes that are kept of messages which are not whole yet: all flows together have a budget. */
  held(): number;
  /** No more bytes of this direction: FIN, RST, or the end of the capture. At most once each. */
  end(direction: Direction, mark: Mark): void;
}

/** What is wrong with a message, beside what could be decoded. */
export interface Fault {
  /** The message could not be decoded to its end. */
  readonly malformed: boolean;
  readonly issues: readonly Issue[];
}

/** Where the bytes of a message lie; valid during the call. */
export interface Raw {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface DissectorContext {
  readonly out: Emitter;
  readonly account: Account;
  /** Endpoints at which media were announced (SDP, H.245), whatever flow carried the news. */
  readonly media: MediaRegistry;
  readonly options: DissectorOptions;
  /**
   * Another protocol follows on this stream (CONNECT, Upgrade): it is identified anew from
   * these bytes on, and the calling dissector gets no more calls. `bytes` may be empty.
   */
  handOver(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void;
  /** Emits the once-a-flow record of a protocol that is named but not decoded. */
  nameFlow(flow: Flow, direction: Direction, mark: Mark, protocol: string, body?: object): void;
}

export interface DissectorOptions {
  /** Protocols to be guessed from weak evidence: `rtp`. */
  readonly heuristics: ReadonlySet<string>;
}

/** Takes DNS messages without a record between. */
export interface DnsRowSink {
  /**
   * One message; `asked` is the place of the query that it answers. Returns false, with nothing
   * written, when a record is to be emitted in its stead.
   */
  row(
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: Uint8Array,
    start: number,
    end: number,
    asked: Mark | undefined,
  ): boolean;
}

export interface Emitter {
  /** Emits one record. `body`: the keys after the envelope, in their order. `bytes`: wire length of the message. */
  emit(
    protocol: string,
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: number,
    body: object,
    fault?: Fault | undefined,
    raw?: Raw | undefined,
  ): void;
  /** Messages' bytes are wanted: `raw` is then to be given where it can be. */
  readonly wantsBytes: boolean;
  /** The packet now dissected was quoted by ICMP. */
  readonly inIcmp: boolean;
  /** Present when DNS records go straight to columns. */
  readonly rows?: DnsRowSink | undefined;
  /** Present when records go straight to NDJSON bytes; hot protocols then write themselves. */
  readonly bulk: BulkOutput | undefined;
}

/** Where each byte of payload went. Bytes given to a dissector count as decoded until it says otherwise. */
export interface Account {
  /** Reclassifies bytes given to a dissector: nobody could name them. */
  unknown(bytes: number): void;
  /** Reclassifies bytes given to a dissector: of a message that the capture cuts short. */
  truncated(bytes: number): void;
}

export interface MediaAnnouncement {
  readonly protocol: "rtp" | "rtcp";
  /** Frame of the message that announced it. */
  readonly setupFrame: number;
  /** Keyed by DTLS: payloads and all of RTCP behind its first eight bytes are encrypted. RFC 5764. */
  readonly secure?: true;
}

export interface MediaRegistry {
  /** `address`: canonical text. A later announcement of the same endpoint replaces the earlier. */
  announce(address: string, port: number, announcement: MediaAnnouncement): void;
  lookup(address: string, port: number): MediaAnnouncement | undefined;
}

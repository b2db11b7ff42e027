/**
 * What was fetched, and over which path: the pages of a capture, apart from how they were fetched
 * in it. All values are JSON, so that a workload can be saved, edited and run again. Times are
 * milliseconds; `null` says that the capture does not tell.
 */

/** `high`: read from packets; `medium`: inferred from several agreeing signs; `low`: one weak sign. */
export type Certainty = "high" | "medium" | "low" | "none";

export interface Workload {
  readonly format: "netkit-workload";
  readonly version: 1;
  readonly source: Source;
  readonly link: WorkloadLink;
  readonly servers: readonly WorkloadServer[];
  readonly pages: readonly WorkloadPage[];
  readonly dns: readonly WorkloadLookup[];
  /** What could not be told, and what was assumed instead; the first matter most. */
  readonly notes: readonly WorkloadNote[];
}

export interface Source {
  readonly kind: "capture" | "har";
  /** Where packets were taken: whose times those of the objects are. */
  readonly vantage: "client" | "server" | "between" | "unknown";
  readonly packets: number;
  readonly bytes: number;
  /** When the first packet came, milliseconds since 1970. */
  readonly startedMs: number;
}

export interface WorkloadNote {
  readonly code: string;
  readonly message: string;
}

/** The path between client and servers, towards the client where directions differ. */
export interface WorkloadLink {
  /** With empty queues. */
  readonly rttMs: number | null;
  /** Of IP packets at the bottleneck. */
  readonly rateMbps: number | null;
  /** Of packets lost but not by a full queue. */
  readonly lossRate: number | null;
  /** What the bottleneck's queue holds, with the packet in service; told only where it overflowed. */
  readonly queueBytes: number | null;
  /** Where it did not overflow: the most that stood in it, which it holds at least. */
  readonly queueAtLeastBytes: number | null;
  readonly retransmissions: number;
  readonly confidence: {
    readonly rttMs: Confidence;
    readonly rateMbps: Confidence;
    readonly lossRate: Confidence;
    readonly queueBytes: Confidence;
  };
}

export interface Confidence {
  readonly certainty: Certainty;
  readonly samples: number;
  /** How it was found, in a few words. */
  readonly from: string;
}

export interface WorkloadServer {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly rttMs: number | null;
  readonly secure: boolean;
}

export interface WorkloadPage {
  readonly id: number;
  /** From the first packet of the capture to the page's first SYN, or to its first request on an open connection. */
  readonly startMs: number;
  /** From `startMs` to the last byte of the last body. */
  readonly timeMs: number;
  readonly objects: readonly WorkloadObject[];
  readonly connections: readonly WorkloadConnection[];
  /** The way of fetching that the connections show. */
  readonly strategy: ObservedStrategy;
  readonly parallel: number;
  /** The client sent validators: a reload of `revalidates`, the page that it had before. */
  readonly revalidates: number | null;
}

export type ObservedStrategy =
  | "serial"
  | "persistent"
  | "concurrent"
  | "concurrent-persistent"
  | "pipelined"
  | "pipelined-warm"
  | "mixed";

export interface WorkloadConnection {
  readonly id: number;
  readonly server: number;
  /** SYN, and its answer, from the page's start; null where the connection was open before. */
  readonly openMs: number | null;
  readonly establishedMs: number | null;
  readonly handshakeMs: number | null;
  readonly objects: readonly number[];
}

export interface WorkloadObject {
  /** Place in the order of requests within the page. */
  readonly id: number;
  readonly url: string;
  readonly host: string;
  /** TLS hides what it is: the address tells the host and a number, `status` is 0. */
  readonly opaque: boolean;
  readonly method: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly requestHeaders: readonly HeaderField[];
  readonly responseHeadBytes: number;
  /** Octets of the message body on the wire, with the framing of chunks. */
  readonly bodyBytes: number;
  /** Less than the message says: the capture, or the connection, ended before. */
  readonly cut: boolean;
  readonly headers: readonly HeaderField[];
  readonly cacheability: Cacheability;
  /** Between the request's arrival at the server and the first octet of the response. */
  readonly thinkMs: number | null;
  /** Between the moment when the client knew of the object, and a connection was free, and the request. */
  readonly clientThinkMs: number | null;
  readonly parents: readonly Dependency[];
  /** Request sent; first and last octet of the response; from the page's start. */
  readonly startMs: number;
  readonly firstByteMs: number | null;
  readonly endMs: number;
  readonly connection: number;
}

export type HeaderField = readonly [name: string, value: string];

export interface Dependency {
  readonly id: number;
  /** `reference`: HTML or CSS of the parent names it; `referer`: the request says so; `redirect`; else by order in time. */
  readonly why: "reference" | "redirect" | "referer" | "timing";
  readonly certainty: Certainty;
  /** Octets of the parent's body that the client had when it asked; null: all. */
  readonly afterBytes: number | null;
}

/** RFC 9111: may a cache keep it, for how long, and can it be revalidated. */
export interface Cacheability {
  readonly storable: boolean;
  /** By a shared cache. */
  readonly shared: boolean;
  readonly freshSeconds: number;
  /** The lifetime is a guess of RFC 9111 4.2.2. */
  readonly heuristic: boolean;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface WorkloadLookup {
  readonly name: string;
  readonly type: string;
  /** From the first packet of the capture. */
  readonly startMs: number;
  /** Null: no answer was captured. */
  readonly timeMs: number | null;
  readonly ttl: number | null;
  readonly negative: boolean;
  readonly client: string;
  readonly server: string;
  /** The page that waited for it. */
  readonly page: number | null;
}

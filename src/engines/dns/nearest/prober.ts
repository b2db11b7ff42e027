/**
 * Asks edges how they are: a connection that opens, or `GET path` that is answered with 200. A JSON
 * body `{"load": 42}` tells the load at the same time, so that an edge needs no more than one small
 * resource to be both checked and heard.
 */
import { DecodeError } from "../../../codecs/errors.ts";
import { encode, HttpDecoder } from "../../../codecs/http/index.ts";
import { utf8 } from "../../../codecs/reader.ts";
import type { Engine, Host, TcpConnection, TcpHandler, Timer } from "../../host.ts";
import type { EdgeReport } from "./edge-state.ts";
import type { Edge, EdgeCheck } from "./plan.ts";

const MAX_BODY_BYTES = 16_384;
const OK = 200;

export interface ProberOptions {
  readonly check: EdgeCheck;
  readonly edges: readonly Edge[];
  onReport(edge: string, report: EdgeReport): void;
}

export class EdgeProber implements Engine {
  private readonly options: ProberOptions;
  private probes: Probe[] = [];

  constructor(options: ProberOptions) {
    this.options = options;
  }

  start(host: Host): void {
    const { check, edges, onReport } = this.options;
    this.probes = edges.map(
      (edge) => new Probe(host, check, edge, (report) => onReport(edge.name, report)),
    );
    for (const probe of this.probes) probe.begin();
  }

  stop(_graceful: boolean, done: () => void): void {
    for (const probe of this.probes) probe.close();
    this.probes = [];
    done();
  }
}

/** One edge, again and again. */
class Probe implements TcpHandler {
  private readonly host: Host;
  private readonly check: EdgeCheck;
  private readonly edge: Edge;
  private readonly told: (report: EdgeReport) => void;
  private readonly next: Timer;
  private readonly late: Timer;
  private connection: TcpConnection | undefined;
  private decoder: HttpDecoder | undefined;

  constructor(host: Host, check: EdgeCheck, edge: Edge, told: (report: EdgeReport) => void) {
    this.host = host;
    this.check = check;
    this.edge = edge;
    this.told = told;
    this.next = host.clock.timer(() => this.begin());
    this.late = host.clock.timer(() => this.end({ passed: false }));
  }

  begin(): void {
    const { host, check } = this;
    // The last one may end at this very instant.
    if (this.connection !== undefined) this.end({ passed: false });
    const now = host.clock.now();
    this.next.armAt(now + check.every);
    this.late.armAt(now + check.timeout);
    this.decoder = check.path === undefined ? undefined : new HttpDecoder("response", LIMITS);
    const remote = { addr: this.addr, port: check.port };
    this.connection = host.connect(this, { remote, timeout: check.timeout });
  }

  private get addr(): string {
    return (this.edge.v4[0] ?? this.edge.v6[0]) as string;
  }

  onOpen(connection: TcpConnection): void {
    const { path, port } = this.check;
    if (connection !== this.connection) return;
    if (path === undefined) {
      this.end({ passed: true });
      return;
    }
    const host = this.addr.includes(":") ? `[${this.addr}]` : this.addr;
    connection.write(
      encode({
        kind: "request",
        method: "GET",
        requestTarget: path,
        version: "HTTP/1.1",
        fields: [
          { name: "Host", value: `${host}:${port}` },
          { name: "Connection", value: "close" },
        ],
        body: new Uint8Array(0),
        trailers: [],
      }),
    );
  }

  onData(data: Uint8Array, connection: TcpConnection): void {
    if (connection !== this.connection) return;
    this.decoder?.push(data.slice());
    this.read(false);
  }

  onEnd(connection: TcpConnection): void {
    if (connection === this.connection) this.read(true);
  }

  onClose(_cause: unknown, _error: unknown, connection: TcpConnection): void {
    if (connection === this.connection) this.end({ passed: false });
  }

  private read(ended: boolean): void {
    const { decoder } = this;
    if (decoder === undefined) return;
    try {
      if (ended) decoder.end();
      const message = decoder.next();
      if (message === undefined || message.kind !== "response") {
        if (ended) this.end({ passed: false });
        return;
      }
      // RFC 9110 15.2: an interim response comes before the one that is meant.
      if (message.statusCode < 200) return this.read(ended);
      if (message.statusCode !== OK) this.end({ passed: false });
      else this.end({ passed: true, load: loadOf(message.body) });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.end({ passed: false });
    }
  }

  private end(report: EdgeReport): void {
    this.release();
    this.told(report);
  }

  private release(): void {
    const { connection } = this;
    this.connection = undefined;
    this.decoder = undefined;
    this.late.armAt(undefined);
    connection?.reset();
  }

  close(): void {
    this.next.armAt(undefined);
    this.release();
  }
}

const LIMITS = { maxBodyBytes: MAX_BODY_BYTES };

/** `{"load": NUMBER}`; undefined for any other body: an edge need not tell. */
function loadOf(body: Uint8Array): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(utf8(body, 0, body.length));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  const load = (value as { load?: unknown } | null)?.load;
  return typeof load === "number" && load >= 0 ? load : undefined;
}

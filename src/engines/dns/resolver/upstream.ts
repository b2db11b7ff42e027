/**
 * Questions to servers over a host's sockets. RFC 5452 (a random port and id for each question,
 * replies checked), RFC 7766 (TCP). Time-outs are the resolver's.
 */
import { HEADER_BYTES } from "../../../codecs/dns/constants.ts";
import { decode, encode } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Host, Random, UdpHandler, UdpSocket } from "../../host.ts";
import { MILLISECOND, SECOND } from "../../host.ts";
import { Streams } from "../streams.ts";
import type { UpstreamQuery, UpstreamResult } from "./core.ts";
import type { ServerAddress } from "./options.ts";
import { matchReply, queryMessage, randomCase } from "./query.ts";

/** Not the ports that services have. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
/** A port may be taken: others are tried, at last any that is free. */
const PORT_TRIES = 4;
/** Replies that are for something else before the socket is given up: somebody guesses. */
const MAX_MISMATCHES = 64;
/** RFC 7766 6.2.3 has servers wait for some seconds. */
const IDLE = 10 * SECOND;

export interface UpstreamStatistics {
  udp: number;
  tcp: number;
  /** Replies with a wrong id, question or kind. */
  mismatches: number;
}

type Done = (result: UpstreamResult) => void;

export class Upstream {
  private readonly host: Host;
  private readonly random: Random;
  private readonly streams: Streams;
  private readonly open = new Map<number, () => void>();
  readonly statistics: UpstreamStatistics = { udp: 0, tcp: 0, mismatches: 0 };

  constructor(host: Host) {
    this.host = host;
    this.random = host.random.fork("upstream");
    this.streams = new Streams(host, IDLE);
  }

  ask(id: number, query: UpstreamQuery, done: Done): void {
    const finish: Done = (result) => {
      if (this.cancel(id)) done(result);
    };
    const exchange = new Exchange(this, query, this.random, this.host, finish);
    this.open.set(id, () => exchange.close());
    if (query.server.https !== undefined) exchange.https(query.server.https);
    else if (query.tcp) exchange.tcp(this.streams);
    else exchange.udp(PORT_TRIES);
  }

  /** False: it was over already. */
  cancel(id: number): boolean {
    const close = this.open.get(id);
    if (close === undefined) return false;
    this.open.delete(id);
    close();
    return true;
  }

  close(): void {
    for (const id of [...this.open.keys()]) this.cancel(id);
    this.streams.close();
  }
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

class Exchange {
  private readonly upstream: Upstream;
  private readonly query: UpstreamQuery;
  private readonly random: Random;
  private readonly host: Host;
  private readonly finish: Done;
  private readonly id: number;
  private readonly bytes: Uint8Array;
  /** Where the question's name ends in `bytes`. */
  private readonly nameEnd: number;
  private readonly started: number;
  private mismatches = 0;
  private closed = false;
  private closeSocket: () => void = () => {};

  constructor(upstream: Upstream, query: UpstreamQuery, random: Random, host: Host, finish: Done) {
    this.upstream = upstream;
    this.query = query;
    this.random = random;
    this.host = host;
    this.finish = finish;
    // RFC 8484 4.1: with 0 caches of HTTP are of use; TLS keeps others from answering.
    this.id = query.server.https === undefined ? random.below(65_536) : 0;
    const name = query.randomCase ? randomCase(query.name, random) : query.name;
    this.bytes = encode(queryMessage(query, this.id, name));
    let end = HEADER_BYTES;
    while (this.bytes[end] !== 0) end += (this.bytes[end] as number) + 1;
    this.nameEnd = end;
    this.started = host.clock.now();
  }

  close(): void {
    this.closed = true;
    this.closeSocket();
  }

  udp(tries: number): void {
    const { addr, port } = this.query.server;
    this.upstream.statistics.udp++;
    let bound = false;
    const handler: UdpHandler = {
      onBound: (socket) => {
        bound = true;
        if (!this.closed) socket.send(this.bytes, addr, port);
      },
      onDatagram: (data, from, fromPort) => {
        if (!this.closed && from === addr && fromPort === port) this.received(data);
      },
      onUdpError: (error, socket) => {
        if (this.closed) return;
        if (!bound && tries > 0 && error.code === "EADDRINUSE") {
          socket.close();
          this.udp(tries - 1);
        } else {
          this.finish({ kind: "unreachable" });
        }
      },
    };
    const local = tries > 0 ? { port: FIRST_PORT + this.random.below(PORTS) } : {};
    const socket: UdpSocket = this.host.udp(handler, { local, connect: { addr, port } });
    this.closeSocket = () => socket.close();
  }

  tcp(streams: Streams): void {
    this.upstream.statistics.tcp++;
    this.closeSocket = streams.ask(this.query.server, {
      bytes: this.bytes,
      timeout: this.query.timeoutMs * MILLISECOND,
      onMessage: (message) => {
        if (!this.closed) this.received(message);
      },
      onLost: (cause) => {
        if (!this.closed)
          this.finish({ kind: cause === "malformed" ? "malformed" : "unreachable" });
      },
    });
  }

  https(ask: NonNullable<ServerAddress["https"]>): void {
    this.upstream.statistics.tcp++;
    ask(this.bytes, this.query.timeoutMs).then(
      (answer) => {
        if (!this.closed) this.received(answer);
      },
      () => {
        if (!this.closed) this.finish({ kind: "unreachable" });
      },
    );
  }

  private received(data: Uint8Array): void {
    const copy = new Uint8Array(data);
    const sameCase = this.restoreCase(copy);
    let message: ReturnType<typeof decode>;
    try {
      message = decode(copy, { tolerate: () => {} });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      // Only what has our id is from whom we asked.
      const ours =
        copy.length >= 2 && (((copy[0] as number) << 8) | (copy[1] as number)) === this.id;
      if (ours) this.finish({ kind: "malformed" });
      else this.mismatch();
      return;
    }
    const match = matchReply(message, this.id, this.query.name, this.query.type);
    if (match === "other") this.mismatch();
    else if (this.query.randomCase && !sameCase) this.finish({ kind: "case-mismatch" });
    else
      this.finish({
        kind: "reply",
        message,
        rttMs: (this.host.clock.now() - this.started) / MILLISECOND,
      });
  }

  /**
   * Servers point at the question's octets for names in the answer: they are put back as they were
   * before their case was drawn. False: they were not those that were sent.
   */
  private restoreCase(reply: Uint8Array): boolean {
    let same = true;
    for (let at = HEADER_BYTES; at < this.nameEnd; at++) {
      const sent = this.bytes[at] as number;
      const got = reply[at];
      if (got === undefined || lower(got) !== lower(sent)) return true;
      if (got !== sent) same = false;
    }
    for (let at = HEADER_BYTES; at < this.nameEnd; at++) reply[at] = lower(reply[at] as number);
    return same;
  }

  private mismatch(): void {
    this.upstream.statistics.mismatches++;
    if (++this.mismatches >= MAX_MISMATCHES) this.finish({ kind: "malformed" });
  }
}

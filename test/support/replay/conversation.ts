/** Packets of made-up conversations, as a capture would hold them. */
import { TCP_FLAG, tcpPacket, udpPacket } from "../../../src/codecs/link/index.ts";
import type { CapturedPacket } from "../../../src/codecs/pcap/capture.ts";
import { utf8Bytes } from "../../../src/codecs/writer.ts";
import type { Workload } from "../../../src/engines/replay/index.ts";
import { inferWorkload, Observer } from "../../../src/engines/replay/index.ts";

const RAW_IP = 101;
const MSS = 1448;
const STARTED_S = 1_790_000_000;

interface Timed {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What is written here stands in the order of its times in the capture. */
export class Capture {
  private readonly packets: Timed[] = [];

  add(at: number, bytes: Uint8Array): void {
    this.packets.push({ at, bytes });
  }

  /** Packets that are not kept, by their place in time. */
  without(drop: (bytes: Uint8Array, place: number) => boolean): Capture {
    const rest = new Capture();
    const kept = this.sorted().filter(({ bytes }, place) => !drop(bytes, place));
    for (const { at, bytes } of kept) rest.add(at, bytes);
    return rest;
  }

  /** All packets from this time on come so many milliseconds later, or earlier. */
  shifted(from: number, by: number): Capture {
    const moved = new Capture();
    for (const { at, bytes } of this.sorted()) moved.add(at >= from ? at + by : at, bytes);
    moved.ordered = true;
    return moved;
  }

  private ordered = false;

  private sorted(): Timed[] {
    return this.ordered ? this.packets : [...this.packets].sort((a, b) => a.at - b.at);
  }

  /** As if read from a file; `snap`: octets kept of each. */
  workload(snap = 65_535): Workload {
    const observer = new Observer();
    for (const { at, bytes } of this.sorted()) observer.add(captured(at, bytes, snap));
    observer.end();
    return inferWorkload(observer);
  }
}

function captured(at: number, bytes: Uint8Array, snap: number): CapturedPacket {
  const nanos = Math.round(at * 1e6);
  const seconds = Math.floor(nanos / 1e9);
  return {
    interface: { linkType: RAW_IP, snapLength: snap, digits: 9 },
    bytes,
    start: 0,
    end: Math.min(bytes.length, snap),
    wireLength: bytes.length,
    seconds: STARTED_S + seconds,
    fraction: nanos - seconds * 1e9,
    comment: undefined,
  };
}

export interface Path {
  /** One way, milliseconds. */
  readonly delay: number;
  /** Octets a millisecond towards the client. */
  readonly rate: number;
}

/**
 * One TCP connection as a client sees it. The caller says when it speaks; responses come after the
 * delay of the path and leave the bottleneck one packet behind the other.
 */
export class Talk {
  private readonly capture: Capture;
  private readonly path: Path;
  private readonly port: number;
  private readonly server: string;
  private readonly serverPort: number;
  private up = 1001;
  private down = 5001;
  private readonly serverClock: number;
  /** The last packet from the server comes then. */
  last = 0;

  constructor(
    capture: Capture,
    path: Path,
    port: number,
    server = "192.0.2.80",
    serverPort = 80,
    clock = 77_000,
  ) {
    this.capture = capture;
    this.path = path;
    this.port = port;
    this.server = server;
    this.serverPort = serverPort;
    this.serverClock = clock;
  }

  /** Returns when the client has the answer. */
  open(at: number): number {
    const { delay } = this.path;
    this.client(at, TCP_FLAG.SYN, this.up - 1, "");
    const back = at + 2 * delay + 2 * this.wire(60);
    this.fromServer(
      back,
      at + delay,
      TCP_FLAG.SYN | TCP_FLAG.ACK,
      this.down - 1,
      new Uint8Array(0),
    );
    this.client(back + 0.02, TCP_FLAG.ACK, this.up, "");
    return back + 0.02;
  }

  private wire(bytes: number): number {
    return bytes / this.path.rate;
  }

  request(at: number, text: string): void {
    this.client(at, TCP_FLAG.ACK | TCP_FLAG.PSH, this.up, text);
    this.up += text.length;
  }

  /**
   * What the server sends, from the time at which it speaks: its packets come when the path had
   * them. `lost`: places of packets that come again `again` milliseconds later.
   */
  respond(
    spoken: number,
    body: string | Uint8Array,
    lost: readonly number[] = [],
    again = 0,
  ): number {
    const bytes = typeof body === "string" ? utf8Bytes(body) : body;
    let busy = Math.max(spoken, this.last - this.path.delay);
    for (let i = 0, at = 0; at < bytes.length; i++, at += MSS) {
      const part = bytes.subarray(at, at + MSS);
      busy += this.wire(part.length + 52);
      const sequence = this.down + at;
      const come = busy + this.path.delay;
      if (lost.includes(i)) {
        this.fromServer(come + again, spoken + again, TCP_FLAG.ACK, sequence, part);
        this.last = Math.max(this.last, come + again);
      } else {
        this.fromServer(come, spoken, TCP_FLAG.ACK, sequence, part);
        this.last = Math.max(this.last, come);
      }
      this.client(come + 0.01, TCP_FLAG.ACK, this.up, "", sequence + part.length);
    }
    this.down += bytes.length;
    return this.last;
  }

  close(at: number): void {
    this.client(at, TCP_FLAG.ACK | TCP_FLAG.FIN, this.up, "");
  }

  private client(at: number, flags: number, seq: number, text: string, ack = this.down): void {
    const packet = tcpPacket(
      {
        src: "192.0.2.1",
        dst: this.server,
        sport: this.port,
        dport: this.serverPort,
        seq,
        ack: (flags & TCP_FLAG.ACK) === 0 ? 0 : ack,
        flags,
        options: timestamps(Math.floor(at), 0),
      },
      utf8Bytes(text),
    );
    this.capture.add(at, packet);
  }

  private fromServer(
    at: number,
    sent: number,
    flags: number,
    seq: number,
    payload: Uint8Array,
  ): void {
    const packet = tcpPacket(
      {
        src: this.server,
        dst: "192.0.2.1",
        sport: this.serverPort,
        dport: this.port,
        seq,
        ack: this.up,
        flags,
        options: timestamps(this.serverClock + Math.floor(sent), 0),
      },
      payload,
    );
    this.capture.add(at, packet);
  }
}

/** RFC 7323 3.2, after two NOPs. */
function timestamps(value: number, echo: number): Uint8Array {
  const options = new Uint8Array(12);
  options.set([1, 1, 8, 10]);
  const data = new DataView(options.buffer);
  data.setUint32(4, value);
  data.setUint32(8, echo);
  return options;
}

export function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: example.net\r\n${fields}\r\n`;
}

export function ok(body: string, fields = "Content-Type: application/octet-stream\r\n"): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A DNS datagram between the client and its resolver. */
export function datagram(capture: Capture, at: number, fromClient: boolean, payload: Uint8Array) {
  const [src, dst] = ["192.0.2.1", "192.0.2.53"];
  const options = fromClient
    ? { src, dst, sport: 40_000, dport: 53 }
    : { src: dst, dst: src, sport: 53, dport: 40_000 };
  capture.add(at, udpPacket(options, payload));
}

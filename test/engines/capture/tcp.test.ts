import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Packet } from "../../../src/codecs/link/packet.ts";
import { Flow } from "../../../src/engines/capture/flow.ts";
import { Mark } from "../../../src/engines/capture/mark.ts";
import type { StreamOwner } from "../../../src/engines/capture/tcp.ts";
import { TcpState } from "../../../src/engines/capture/tcp.ts";

const SYN = 0x02;
const ACK = 0x10;
const FIN = 0x01;
const RST = 0x04;

/** Records what a stream's owner is told, as text. */
class Log implements StreamOwner {
  readonly events: string[] = [];
  duplicates = 0;
  waitingBytes = 0;
  data(_f: Flow, d: 0 | 1, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    this.events.push(
      `${d} data ${Buffer.from(bytes.slice(start, end)).toString("latin1")} @${mark.frame}`,
    );
  }
  gap(_f: Flow, d: 0 | 1, missing: number, mark: Mark): void {
    this.events.push(`${d} gap ${missing} @${mark.frame}`);
  }
  end(_f: Flow, d: 0 | 1, mark: Mark): void {
    this.events.push(`${d} end @${mark.frame}`);
  }
  duplicate(bytes: number): void {
    this.duplicates += bytes;
  }
  waiting(delta: number): boolean {
    this.waitingBytes += delta;
    return false;
  }
}

class Wire {
  readonly log = new Log();
  readonly tcp = new TcpState(new Flow(), this.log);
  private readonly mark = new Mark();
  private frame = 0;

  segment(direction: 0 | 1, seq: number, text: string, flags = ACK, ack = 0, missing = 0): this {
    const packet = new Packet();
    packet.bytes = Buffer.from(text, "latin1");
    packet.start = 0;
    packet.end = packet.bytes.length;
    packet.missing = missing;
    packet.sequence = seq | 0;
    packet.acknowledgment = ack | 0;
    packet.flags = flags;
    this.mark.frame = ++this.frame;
    this.tcp.segment(packet, direction, this.mark);
    return this;
  }

  wait(seconds: number): this {
    this.mark.seconds += seconds;
    return this;
  }

  close(): string[] {
    this.tcp.close(this.mark);
    return this.log.events;
  }

  get events(): string[] {
    return this.log.events;
  }
}

describe("RFC 9293 3.4: segments to streams", () => {
  it("early segments wait, and belong to the packet that fills the hole", () => {
    const w = new Wire()
      .segment(0, 99, "", SYN)
      .segment(0, 103, "def")
      .segment(0, 106, "g")
      .segment(0, 100, "abc");
    expect(w.events).toEqual(["0 data abc @4", "0 data def @4", "0 data g @4"]);
  });

  it("retransmitted and overlapping bytes are handed on once: the first stay", () => {
    const w = new Wire()
      .segment(0, 99, "", SYN)
      .segment(0, 100, "abc")
      .segment(0, 100, "abc")
      .segment(0, 101, "XXd");
    expect(w.events).toEqual(["0 data abc @2", "0 data d @4"]);
    expect(w.log.duplicates).toBe(5);
  });

  it("sequence numbers wrap", () => {
    const w = new Wire()
      .segment(0, 0xfffffffe, "", SYN)
      .segment(0, 0xffffffff, "ab")
      .segment(0, 1, "cd");
    expect(w.events).toEqual(["0 data ab @2", "0 data cd @3"]);
  });

  it("a hole that the receiver acknowledged is a gap once the bytes stay away", () => {
    const w = new Wire().segment(0, 99, "", SYN).segment(1, 499, "", SYN | ACK, 100);
    w.segment(0, 105, "later").segment(1, 500, "", ACK, 110);
    expect(w.events).toEqual([]);
    w.wait(5).segment(1, 500, "x", ACK, 110);
    expect(w.events).toEqual(
      ["1 data x @5", "0 gap 5 @3", "0 data later @3"].sort((a) => (a.startsWith("1") ? -1 : 1)),
    );
  });

  it("a hole without acknowledgments is a gap at the end", () => {
    const w = new Wire().segment(0, 99, "", SYN).segment(0, 104, "e");
    expect(w.close()).toEqual(["0 gap 4 @2", "0 data e @2", "0 end @2"]);
  });

  it("bytes acknowledged but never seen are a gap at the end", () => {
    const w = new Wire()
      .segment(0, 99, "", SYN)
      .segment(1, 499, "", SYN | ACK, 100)
      .segment(0, 100, "ab")
      .segment(1, 500, "", ACK, 107);
    expect(w.close()).toEqual(["0 data ab @3", "0 gap 5 @4", "0 end @3", "1 end @4"]);
  });

  it("FIN ends a direction when all before it has come; the other goes on", () => {
    const w = new Wire().segment(0, 99, "", SYN).segment(1, 499, "", SYN | ACK, 100);
    w.segment(0, 103, "d", ACK | FIN, 500)
      .segment(0, 100, "abc")
      .segment(1, 500, "z", ACK, 105);
    expect(w.events).toEqual(["0 data abc @4", "0 data d @4", "0 end @4", "1 data z @5"]);
  });

  it("RST ends both directions", () => {
    const w = new Wire()
      .segment(0, 99, "", SYN)
      .segment(1, 499, "", SYN | ACK, 100)
      .segment(1, 500, "", RST);
    expect(w.events).toEqual(["0 end @3", "1 end @3"]);
  });

  it("a keep-alive's byte is a duplicate", () => {
    const w = new Wire().segment(0, 99, "", SYN).segment(0, 100, "ab").segment(0, 101, "b");
    expect(w.events).toEqual(["0 data ab @2"]);
  });

  it("bytes that the snaplen cut off are a gap", () => {
    const w = new Wire()
      .segment(0, 99, "", SYN)
      .segment(0, 100, "ab", ACK, 0, 3)
      .segment(0, 105, "f");
    expect(w.events).toEqual(["0 data ab @2", "0 gap 3 @2", "0 data f @3"]);
  });

  it("a stream begun in mid-stream starts at its first segment", () => {
    const w = new Wire().segment(0, 5000, "mid");
    expect(w.events).toEqual(["0 data mid @1"]);
    expect(w.tcp.midStream(0)).toBe(true);
  });

  it("a SYN with another number on the same endpoints is a new connection, a repeated one is not", () => {
    const w = new Wire().segment(0, 99, "", SYN).segment(0, 100, "a");
    expect(w.tcp.isReuse(0, 99)).toBe(false);
    expect(w.tcp.isReuse(0, 7777)).toBe(true);
  });
});

describe("any order, repetition and loss", () => {
  const text = Array.from({ length: 400 }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");

  it("all bytes come out in order, each missing one is in a gap, nothing waits at the end", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 399 }), { maxLength: 30 });
    fc.assert(
      fc.property(
        cuts,
        fc.array(fc.nat()),
        fc.array(fc.nat()),
        fc.array(fc.nat()),
        fc.integer(),
        (at, order, twice, lost, isn) => {
          const points = [...new Set([0, ...at, 400])].sort((a, b) => a - b);
          let pieces = points
            .slice(0, -1)
            .map((from, i) => ({ from, to: points[i + 1] as number }));
          const gone = new Set(lost.slice(0, 3).map((n) => n % pieces.length));
          const missing = pieces.filter((_, i) => gone.has(i));
          pieces = pieces.filter((_, i) => !gone.has(i));
          for (const n of twice)
            if (pieces.length > 0) pieces.push(pieces[n % pieces.length] as (typeof pieces)[0]);
          order.forEach((n, i) => {
            if (pieces.length < 2) return;
            const [a, b] = [i % pieces.length, n % pieces.length];
            [pieces[a], pieces[b]] = [
              pieces[b] as (typeof pieces)[0],
              pieces[a] as (typeof pieces)[0],
            ];
          });
          const w = new Wire().segment(0, isn, "", SYN);
          for (const p of pieces) w.segment(0, isn + 1 + p.from, text.slice(p.from, p.to));
          w.segment(0, isn + 401, "", FIN | ACK);
          let position = 0;
          let skipped = 0;
          for (const event of w.close()) {
            const [, kind, value] = /^0 (data|gap|end)(?: (.*))? @\d+$/s.exec(
              event,
            ) as RegExpExecArray;
            if (kind === "data") {
              expect(text.slice(position, position + (value as string).length)).toBe(value);
              position += (value as string).length;
            } else if (kind === "gap") {
              skipped += Number(value);
              position += Number(value);
            }
          }
          expect(position).toBe(400);
          expect(skipped).toBe(missing.reduce((sum, m) => sum + m.to - m.from, 0));
          expect(w.log.waitingBytes).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

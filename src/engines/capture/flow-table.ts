/**
 * The table of flows, keyed by address words and ports. Everything that each packet needs lies in
 * one cache line of a typed array; a flow has an object only while somebody keeps state of it.
 * Memory is bound by live flows, not by the capture.
 *
 * Flows fall into partitions by their hash, and limits count by partition: analysers side by side
 * (see parallel) each take some partitions and still close the same flows as a single one would.
 */
import type { DatagramDissector, Direction } from "./dissector.ts";
import type { TCP } from "./flow.ts";
import { Flow, UDP } from "./flow.ts";

/** Flows kept at once of each transport; past that the one of its partition idle longest is closed. Streams cost more. */
export const MAX_FLOWS = { udp: 65_536, tcp: 8192 } as const;
/** Idle seconds after which the same endpoints make a new flow. */
const IDLE_SECONDS = { udp: 600, tcp: 3600 } as const;
/** By the upper three bits of the hash: as many analysers at most can share a capture. */
export const PARTITIONS = 8;
/** Packets of a passing flow after which it gets an object, which keeps the text of its endpoints. */
const KEEP_AFTER = 8;

export function partitionOf(hash: number): number {
  return hash >>> 29;
}

/** The transport endpoints of one packet, as the flow table looks them up. */
export interface Endpoints {
  family: number;
  s0: number;
  s1: number;
  s2: number;
  s3: number;
  d0: number;
  d1: number;
  d2: number;
  d3: number;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
}

/** Words of one entry: 64 bytes. The last time is a double, for years beyond 2106. */
const WORDS = 16;
const A = 0;
const B = 4;
const PORTS = 8;
const HASH = 9;
const STREAM = 10;
/** Family in the low octet, then the index of the shared dissector, then packets. */
const STATE = 11;
const SECONDS = 6; // As a double: words 12 and 13.
const NEWER = 14;
const OLDER = 15;
const NONE = -1;

export class FlowTable {
  /** Direction of the packet of the last lookup. */
  direction: Direction = 0;
  /** Flows seen so far. */
  seen = 0;
  private readonly protocol: number;
  private readonly idle: number;
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  /** Order of the last change of place in the list of idleness. */
  private readonly touched: Float64Array;
  /** Pairs: hash, and one more than the entry (0: free). */
  private readonly slots: Int32Array;
  private readonly mask: number;
  private readonly limit: number;
  private readonly counts = new Int32Array(PARTITIONS);
  private readonly oldest = new Int32Array(PARTITIONS).fill(NONE);
  private readonly newest = new Int32Array(PARTITIONS).fill(NONE);
  private readonly objects: (Flow | undefined)[] = [];
  private used = 0;
  /** First of the entries that were used and are free, linked by OLDER. */
  private free = NONE;
  /** The object of the flow closed last, used again: a full table then makes no garbage. */
  private spare: Flow | undefined = undefined;
  private readonly passing: Flow | undefined;
  /** None in front: an index of -1 is no element, and V8 would look it up as a name. */
  private readonly shared: (DatagramDissector | undefined)[] = [undefined];
  private readonly onClose: (flow: Flow) => void;
  /** Told of each flow that enters the table, before `lookup` returns it. */
  onBegin: ((entry: number) => void) | undefined = undefined;
  private live = 0;

  /** `onClose` is told of each flow with an object that leaves the table, before its state is dropped. */
  constructor(
    protocol: typeof TCP | typeof UDP,
    onClose: (flow: Flow) => void,
    limit: number = protocol === UDP ? MAX_FLOWS.udp : MAX_FLOWS.tcp,
  ) {
    this.protocol = protocol;
    this.idle = protocol === UDP ? IDLE_SECONDS.udp : IDLE_SECONDS.tcp;
    this.onClose = onClose;
    this.limit = limit / PARTITIONS;
    this.words = new Int32Array(limit * WORDS);
    this.times = new Float64Array(this.words.buffer);
    this.touched = new Float64Array(limit);
    this.slots = new Int32Array(limit * 4);
    this.mask = limit * 2 - 1;
    if (protocol === UDP) {
      this.passing = new Flow();
      this.passing.passing = true;
    }
  }

  get size(): number {
    return this.live;
  }

  /** Whether there is a flow of the packet. `hash`: see `hashOf`. */
  has(p: Endpoints, hash: number): boolean {
    const { slots, mask } = this;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const entry = (slots[at * 2 + 1] as number) - 1;
      if (entry < 0) return false;
      if (slots[at * 2] === hash && this.match(entry * WORDS, p) >= 0) return true;
    }
  }

  /**
   * The flow of a packet, made when there is none. Sets `direction`. `hash`: see `hashOf`; `order`
   * grows with the packets.
   */
  lookup(p: Endpoints, hash: number, seconds: number, order: number): Flow {
    const { slots, mask } = this;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const entry = (slots[at * 2 + 1] as number) - 1;
      if (entry < 0) break;
      if (slots[at * 2] !== hash) continue;
      const direction = this.match(entry * WORDS, p);
      if (direction < 0) continue;
      const last = this.times[entry * 8 + SECONDS] as number;
      // The order of idleness is kept by the second: a busy flow is not moved for each packet.
      if (seconds > last) {
        if (seconds - last > this.idle) {
          this.remove(entry);
          break;
        }
        this.times[entry * 8 + SECONDS] = seconds;
        this.touch(entry, hash, order);
      }
      this.direction = direction as Direction;
      return this.objects[entry] ?? this.pass(entry, p, direction as Direction);
    }
    return this.add(p, hash, seconds, order);
  }

  /** Which side of the flow sent the packet; -1 when it is not of the flow. */
  private match(w: number, p: Endpoints): number {
    const { words } = this;
    const { s0, d0, sourcePort, destinationPort } = p;
    const a0 = words[w + A];
    const b0 = words[w + B];
    const ports = words[w + PORTS];
    if (((words[w + STATE] as number) & 0xff) !== p.family) return -1;
    if (a0 === s0 && b0 === d0 && ports === ((sourcePort << 16) | destinationPort)) {
      if (p.family === 4 || this.sides(w, p.s1, p.s2, p.s3, p.d1, p.d2, p.d3)) return 0;
    }
    if (a0 === d0 && b0 === s0 && ports === ((destinationPort << 16) | sourcePort)) {
      if (p.family === 4 || this.sides(w, p.d1, p.d2, p.d3, p.s1, p.s2, p.s3)) return 1;
    }
    return -1;
  }

  private sides(
    w: number,
    a1: number,
    a2: number,
    a3: number,
    b1: number,
    b2: number,
    b3: number,
  ): boolean {
    const { words } = this;
    return (
      words[w + A + 1] === a1 &&
      words[w + A + 2] === a2 &&
      words[w + A + 3] === a3 &&
      words[w + B + 1] === b1 &&
      words[w + B + 2] === b2 &&
      words[w + B + 3] === b3
    );
  }

  private add(p: Endpoints, hash: number, seconds: number, order: number): Flow {
    const partition = partitionOf(hash);
    if ((this.counts[partition] as number) >= this.limit) {
      this.remove(this.oldest[partition] as number);
    }
    const { words, slots, mask } = this;
    let entry = this.free;
    if (entry === NONE) entry = this.used++;
    else this.free = words[entry * WORDS + OLDER] as number;
    const w = entry * WORDS;
    words[w + A] = p.s0;
    words[w + B] = p.d0;
    if (p.family === 6) {
      words[w + A + 1] = p.s1;
      words[w + A + 2] = p.s2;
      words[w + A + 3] = p.s3;
      words[w + B + 1] = p.d1;
      words[w + B + 2] = p.d2;
      words[w + B + 3] = p.d3;
    }
    words[w + PORTS] = (p.sourcePort << 16) | p.destinationPort;
    words[w + HASH] = hash;
    words[w + STREAM] = this.seen++;
    words[w + STATE] = p.family;
    this.times[entry * 8 + SECONDS] = seconds;
    let at = hash & mask;
    while (slots[at * 2 + 1] !== 0) at = (at + 1) & mask;
    slots[at * 2] = hash;
    slots[at * 2 + 1] = entry + 1;
    this.counts[partition] = (this.counts[partition] as number) + 1;
    this.live++;
    this.onBegin?.(entry);
    this.link(entry, partition, order);
    this.direction = 0;
    this.objects[entry] = undefined;
    if (this.passing !== undefined) return this.pass(entry, p, 0);
    return this.object(entry, p, 0);
  }

  /** The one object of flows without state stands for this flow now. */
  private pass(entry: number, p: Endpoints, direction: Direction): Flow {
    const { words } = this;
    const state = words[entry * WORDS + STATE] as number;
    words[entry * WORDS + STATE] = state + 0x10000;
    if (state >>> 16 >= KEEP_AFTER) return this.object(entry, p, direction);
    const flow = this.passing as Flow;
    this.fill(flow, entry, p, direction);
    flow.dissector = this.shared[(state >>> 8) & 0xff];
    flow.app = undefined;
    flow.forgetText();
    return flow;
  }

  private object(entry: number, p: Endpoints, direction: Direction): Flow {
    let flow = this.spare;
    if (flow === undefined) flow = new Flow();
    else flow.reset();
    this.spare = undefined;
    this.fill(flow, entry, p, direction);
    const state = this.words[entry * WORDS + STATE] as number;
    flow.dissector = this.shared[(state >>> 8) & 0xff];
    this.objects[entry] = flow;
    return flow;
  }

  private fill(flow: Flow, entry: number, p: Endpoints, direction: Direction): void {
    const { words } = this;
    flow.entry = entry;
    flow.family = p.family;
    flow.protocol = this.protocol;
    flow.hash = words[entry * WORDS + HASH] as number;
    flow.stream = (words[entry * WORDS + STREAM] as number) >>> 0;
    if (direction === 0) {
      flow.a0 = p.s0;
      flow.b0 = p.d0;
      flow.aPort = p.sourcePort;
      flow.bPort = p.destinationPort;
    } else {
      flow.a0 = p.d0;
      flow.b0 = p.s0;
      flow.aPort = p.destinationPort;
      flow.bPort = p.sourcePort;
    }
    if (p.family === 6) {
      const w = entry * WORDS;
      flow.a1 = words[w + A + 1] as number;
      flow.a2 = words[w + A + 2] as number;
      flow.a3 = words[w + A + 3] as number;
      flow.b1 = words[w + B + 1] as number;
      flow.b2 = words[w + B + 2] as number;
      flow.b3 = words[w + B + 3] as number;
    }
  }

  /** Gives a passing flow an object of its own. `p`: the packet of the last lookup. */
  keep(flow: Flow, p: Endpoints): Flow {
    return flow.passing ? this.object(flow.entry, p, this.direction) : flow;
  }

  /** A passing flow is of a protocol whose one dissector serves all flows. */
  share(flow: Flow, dissector: DatagramDissector): void {
    let index = this.shared.indexOf(dissector);
    if (index < 0) index = this.shared.push(dissector) - 1;
    const w = flow.entry * WORDS + STATE;
    this.words[w] = ((this.words[w] as number) & ~0xff00) | (index << 8);
  }

  /** Takes a flow out of the table and tells the owner. */
  close(flow: Flow): void {
    this.remove(flow.entry);
  }

  /** Closes the flow idle longest, if there is one. */
  closeOldest(): void {
    let first = NONE;
    for (const entry of this.oldest) {
      if (entry === NONE) continue;
      if (first === NONE || (this.touched[entry] as number) < (this.touched[first] as number)) {
        first = entry;
      }
    }
    if (first !== NONE) this.remove(first);
  }

  /** Closes all flows that have an object, the one idle longest first. `onOrder`: told before each. */
  closeAll(onOrder: (touched: number) => void = () => {}): void {
    const { touched } = this;
    const open = this.objects.filter((flow) => flow !== undefined);
    open.sort((x, y) => (touched[x.entry] as number) - (touched[y.entry] as number));
    for (const flow of open) {
      onOrder(touched[flow.entry] as number);
      this.remove(flow.entry);
    }
  }

  private remove(entry: number): void {
    const { words, slots, mask } = this;
    const flow = this.objects[entry];
    if (flow !== undefined) {
      this.onClose(flow);
      this.objects[entry] = undefined;
      // A stream's state may still be referred to by who is being told of its end.
      if (flow.tcp === undefined) this.spare = flow;
    }
    const hash = words[entry * WORDS + HASH] as number;
    const partition = partitionOf(hash);
    this.unlink(entry, partition);
    this.counts[partition] = (this.counts[partition] as number) - 1;
    this.live--;
    words[entry * WORDS + OLDER] = this.free;
    this.free = entry;
    let hole = hash & mask;
    while (slots[hole * 2 + 1] !== entry + 1) hole = (hole + 1) & mask;
    slots[hole * 2 + 1] = 0;
    // Keep probe chains whole: move back what would no longer be found (Knuth 6.4 R).
    for (let at = (hole + 1) & mask; slots[at * 2 + 1] !== 0; at = (at + 1) & mask) {
      const home = (slots[at * 2] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole * 2] = slots[at * 2] as number;
      slots[hole * 2 + 1] = slots[at * 2 + 1] as number;
      slots[at * 2 + 1] = 0;
      hole = at;
    }
  }

  private touch(entry: number, hash: number, order: number): void {
    const partition = partitionOf(hash);
    this.touched[entry] = order;
    if (this.newest[partition] === entry) return;
    this.unlink(entry, partition);
    this.link(entry, partition, order);
  }

  private link(entry: number, partition: number, order: number): void {
    const { words, newest } = this;
    const before = newest[partition] as number;
    this.touched[entry] = order;
    words[entry * WORDS + OLDER] = before;
    words[entry * WORDS + NEWER] = NONE;
    if (before !== NONE) words[before * WORDS + NEWER] = entry;
    else this.oldest[partition] = entry;
    newest[partition] = entry;
  }

  private unlink(entry: number, partition: number): void {
    const { words } = this;
    const older = words[entry * WORDS + OLDER] as number;
    const newer = words[entry * WORDS + NEWER] as number;
    if (older !== NONE) words[older * WORDS + NEWER] = newer;
    else this.oldest[partition] = newer;
    if (newer !== NONE) words[newer * WORDS + OLDER] = older;
    else this.newest[partition] = older;
  }
}

/** The same for both directions. */
export function hashOf(p: Endpoints): number {
  let s = p.s0 ^ Math.imul(p.sourcePort, 0x9e3779b1);
  let d = p.d0 ^ Math.imul(p.destinationPort, 0x9e3779b1);
  if (p.family === 6) {
    s = Math.imul(s ^ p.s1, 0x85ebca6b) ^ Math.imul(p.s2, 0xc2b2ae35) ^ p.s3;
    d = Math.imul(d ^ p.d1, 0x85ebca6b) ^ Math.imul(p.d2, 0xc2b2ae35) ^ p.d3;
  }
  s = Math.imul(s ^ (s >>> 16), 0x7feb352d);
  d = Math.imul(d ^ (d >>> 16), 0x7feb352d);
  let h = (s ^ (s >>> 15)) + (d ^ (d >>> 15)) + p.protocol;
  h = Math.imul(h ^ (h >>> 16), 0x846ca68b);
  return (h ^ (h >>> 16)) | 0;
}

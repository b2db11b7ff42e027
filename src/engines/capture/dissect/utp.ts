/** uTP in captures, and the BitTorrent inside it: packets put in order, holes told. BEP 29. */
import { utpRecord } from "../../../codecs/bittorrent/record.ts";
import { decodeUtp, utpPayloadAt } from "../../../codecs/bittorrent/utp.ts";
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { view } from "../../../codecs/reader.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";
import { beginsHandshake, PeerWire } from "./peer-wire.ts";

const DATA = 0;
const FIN = 1;
const RESET = 3;
const SYN = 4;
/** Connections of one pair of endpoints; the oldest goes first. */
const MAX_CONNECTIONS = 16;
/** Early packets of one direction that are kept. */
const MAX_WAITING = 256;
/** Packets after which a missing one is taken to be not in the capture. */
const HOLE_PACKETS = 128;
/** Packets of a flow whose headers must fit together before uTP is believed without a SYN. */
const BELIEVED_AFTER = 3;

interface Waiting {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly mark: Mark;
}

/** One direction: data packets in the order of their numbers. */
class Order {
  next = -1;
  readonly waiting: Waiting[] = [];
  since = 0;
}

class Connection {
  readonly wire: PeerWire;
  readonly orders = [new Order(), new Order()] as const;
  /** What each side sends as connection id: they differ by one. */
  readonly ids: readonly [number, number];

  constructor(wire: PeerWire, ids: readonly [number, number]) {
    this.wire = wire;
    this.ids = ids;
  }
}

class UtpDatagrams implements DatagramDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly connections: Connection[] = [];

  constructor(flow: Flow, context: DissectorContext) {
    this.flow = flow;
    this.context = context;
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    const payloadAt = utpPayloadAt(bytes, start, end);
    if (payloadAt < 0) return false;
    const { out, account } = this.context;
    if (cut) account.truncated(end - start);
    const issues: Issue[] = [];
    const size = end - start;
    try {
      const packet = decodeUtp(view(bytes, start, end), {
        tolerate: (issue) => issues.push(issue),
      });
      out.emit(
        "bt-utp",
        flow,
        direction,
        mark,
        size,
        utpRecord(packet),
        { malformed: cut, issues },
        { bytes, start, end },
      );
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return false;
    }
    if (!out.inIcmp) this.payload(direction, bytes, start, payloadAt, end, mark);
    return true;
  }

  private payload(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    at: number,
    end: number,
    mark: Mark,
  ): void {
    const type = (bytes[start] as number) >> 4;
    const id = u16(bytes, start + 2);
    const seq = u16(bytes, start + 16);
    if (type === SYN) {
      // BEP 29: the other side answers with this id, data comes with the next.
      const initiator = (id + 1) & 0xffff;
      const connection = this.open(direction === 0 ? [initiator, id] : [id, initiator]);
      connection.orders[direction].next = (seq + 1) & 0xffff;
      return;
    }
    const connection = this.connection(direction, id);
    if (type === RESET) return;
    const order = connection.orders[direction];
    if (type !== DATA && type !== FIN) return;
    // Without a SYN the first packet that is seen begins the stream.
    if (order.next < 0) order.next = seq;
    const ahead = (seq - order.next) & 0xffff;
    if (ahead >= 0x8000) return; // Sent again.
    if (ahead > 0) {
      this.wait(connection, direction, seq, bytes, at, end, mark);
      return;
    }
    this.deliver(connection, direction, bytes, at, end, mark);
    this.drain(connection, direction, mark);
  }

  private deliver(
    connection: Connection,
    direction: Direction,
    bytes: Uint8Array,
    at: number,
    end: number,
    mark: Mark,
  ): void {
    const order = connection.orders[direction];
    order.next = (order.next + 1) & 0xffff;
    if (end > at) connection.wire.data(direction, bytes, at, end, mark);
  }

  private wait(
    connection: Connection,
    direction: Direction,
    seq: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    mark: Mark,
  ): void {
    const order = connection.orders[direction];
    if (order.waiting.some((kept) => kept.seq === seq)) return;
    order.waiting.push({ seq, bytes: bytes.slice(at, end), mark: mark.keep() });
    order.since++;
    if (order.waiting.length < MAX_WAITING && order.since < HOLE_PACKETS) return;
    this.giveUp(connection, direction, mark);
  }

  /** The next packet is not in the capture: how many bytes it had nobody knows, so the framing is lost. */
  private giveUp(connection: Connection, direction: Direction, mark: Mark): void {
    const order = connection.orders[direction];
    const first = order.waiting.reduce((a, b) =>
      ((a.seq - order.next) & 0xffff) <= ((b.seq - order.next) & 0xffff) ? a : b,
    );
    order.next = first.seq;
    order.since = 0;
    connection.wire.gap(direction, Number.MAX_SAFE_INTEGER, mark);
    this.drain(connection, direction, mark);
  }

  private drain(connection: Connection, direction: Direction, mark: Mark): void {
    const order = connection.orders[direction];
    for (;;) {
      const index = order.waiting.findIndex((kept) => kept.seq === order.next);
      if (index < 0) break;
      const [kept] = order.waiting.splice(index, 1) as [Waiting];
      const later = kept.mark.frame > mark.frame ? kept.mark : mark;
      this.deliver(connection, direction, kept.bytes, 0, kept.bytes.length, later);
    }
    if (order.waiting.length === 0) order.since = 0;
  }

  /** The connection that this side's id belongs to; made when there is none. */
  private connection(direction: Direction, id: number): Connection {
    const known = this.connections.find((c) => c.ids[direction] === id);
    if (known !== undefined) return known;
    // Seen from the middle: the other side's id is one more or one less.
    const other = direction === 0 ? 1 : 0;
    const half = this.connections.find(
      (c) => c.ids[direction] === -1 && Math.abs(c.ids[other] - id) === 1,
    );
    const ids: [number, number] = [-1, -1];
    ids[direction] = id;
    if (half !== undefined) {
      ids[other] = half.ids[other];
      const joined = new Connection(half.wire, ids);
      Object.assign(joined.orders[other], half.orders[other]);
      this.connections[this.connections.indexOf(half)] = joined;
      return joined;
    }
    return this.open(ids);
  }

  private open(ids: readonly [number, number]): Connection {
    const again = this.connections.find((c) => c.ids[0] === ids[0] && c.ids[1] === ids[1]);
    if (again !== undefined) return again;
    const wire = new PeerWire(this.flow, this.context, "utp", [false, false]);
    const connection = new Connection(wire, ids);
    this.connections.push(connection);
    if (this.connections.length > MAX_CONNECTIONS) this.connections.shift();
    return connection;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** A SYN says so by itself: no payload, nothing acknowledged, no time difference yet. */
function isSyn(bytes: Uint8Array, start: number, end: number, payloadAt: number): boolean {
  if ((bytes[start] as number) >> 4 !== SYN || payloadAt !== end) return false;
  for (let i = start + 8; i < start + 12; i++) if (bytes[i] !== 0) return false;
  return bytes[start + 18] === 0 && bytes[start + 19] === 0;
}

/** Flows that may be uTP: how many packets in a row fitted, and with which id. */
const candidates = new WeakMap<Flow, { id: number; count: number }>();

export const utp: DatagramProtocol = {
  name: "bt-utp",
  recognises: (bytes, start, end, flow) => {
    const payloadAt = utpPayloadAt(bytes, start, end);
    if (payloadAt < 0) return false;
    if (isSyn(bytes, start, end, payloadAt)) return true;
    const type = (bytes[start] as number) >> 4;
    if (type === DATA && beginsHandshake(bytes, payloadAt, end) === "yes") return true;
    // Ports below 1024 belong to others, whose messages may look so by chance.
    if (flow.aPort < 1024 || flow.bPort < 1024) return false;
    const id = u16(bytes, start + 2);
    const known = candidates.get(flow);
    const distance = known === undefined ? 2 : Math.abs(known.id - id);
    const count = distance <= 1 ? (known?.count ?? 0) + 1 : 1;
    candidates.set(flow, { id, count });
    return count >= BELIEVED_AFTER;
  },
  open: (flow, context) => new UtpDatagrams(flow, context),
};

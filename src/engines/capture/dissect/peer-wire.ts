/**
 * The peer wire protocol of one connection, over TCP or inside uTP: both directions, blocks passed
 * over without being kept, and the way back after missing bytes. BEP 3, 6, 10.
 */
import { decodeExtensionHandshake } from "../../../codecs/bittorrent/extension.ts";
import {
  decodeHandshake,
  decodeMessage,
  HANDSHAKE_BYTES,
  lengthFits,
  MAX_MESSAGE_BYTES,
  MESSAGE,
  messageName,
  PROTOCOL_STRING,
} from "../../../codecs/bittorrent/peer-wire.ts";
import { peerRecord } from "../../../codecs/bittorrent/record.ts";
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { Fixed } from "../../../codecs/json-writer.ts";
import type { Direction, DissectorContext } from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";

/** Header of a piece: length, type, index, begin. */
const PIECE_HEAD_BYTES = 13;
/** Longest message that is kept whole for decoding; of longer ones only the size is told. */
const MAX_KEPT_BYTES = 1 << 16;
const NO_ISSUES: readonly Issue[] = [];

const PIECE = new Fixed(',"msg":"piece","index":');
const BEGIN = new Fixed(',"begin":');
const LENGTH = new Fixed(',"length":');
const CARRIER_TCP = new Fixed(',"carrier":"tcp"');
const CARRIER_UTP = new Fixed(',"carrier":"utp"');

/** Whether the bytes begin with a BitTorrent handshake. */
export function beginsHandshake(
  bytes: Uint8Array,
  start: number,
  end: number,
): "yes" | "no" | "more" {
  const length = Math.min(end - start, PROTOCOL_STRING.length + 1);
  if (length > 0 && bytes[start] !== PROTOCOL_STRING.length) return "no";
  for (let i = 1; i < length; i++) {
    if (bytes[start + i] !== PROTOCOL_STRING.charCodeAt(i - 1)) return "no";
  }
  return length === PROTOCOL_STRING.length + 1 ? "yes" : "more";
}

class Half {
  greeted: boolean;
  /** The framing was lost; messages are searched for. */
  lost: boolean;
  /** What is there of a message that is kept whole, or of a header. */
  kept = new Uint8Array(HANDSHAKE_BYTES);
  keptLength = 0;
  /** Bytes of a message's payload that are passed over. */
  skip = 0;
  /** The message passed over: type, length (its prefix not counted), and a piece's place. */
  type = 0;
  length = 0;
  index = 0;
  begin = 0;
  holes = 0;
  /** What this side wants its extension messages to be called, by id. */
  extensions = new Map<number, string>();

  constructor(midStream: boolean) {
    this.greeted = midStream;
    this.lost = midStream;
  }
}

export class PeerWire {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly carrier: "tcp" | "utp";
  private readonly halves: [Half | undefined, Half | undefined] = [undefined, undefined];
  private readonly mid: readonly [boolean, boolean];

  constructor(
    flow: Flow,
    context: DissectorContext,
    carrier: "tcp" | "utp",
    midStream: readonly [boolean, boolean],
  ) {
    this.flow = flow;
    this.context = context;
    this.carrier = carrier;
    this.mid = midStream;
  }

  /** Made when the side first sends: many connections stay silent. */
  private half(direction: Direction): Half {
    let half = this.halves[direction];
    if (half === undefined) {
      half = new Half(this.mid[direction]);
      this.halves[direction] = half;
    }
    return half;
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    const half = this.half(direction);
    let at = start;
    while (at < end) {
      if (half.skip > 0) {
        const step = Math.min(half.skip, end - at);
        half.skip -= step;
        at += step;
        if (half.skip === 0) this.passed(half, direction, mark);
      } else if (half.lost) {
        at = this.search(half, bytes, at, end, mark);
      } else {
        at = this.collect(half, direction, bytes, at, end, mark);
      }
    }
  }

  /** Adds to what is kept until a header or message is whole. Returns the index of the next byte. */
  private collect(
    half: Half,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): number {
    if (!half.greeted) return this.greeting(half, direction, bytes, start, end, mark);
    let at = this.fill(half, 5, bytes, start, end);
    if (half.keptLength < 4) return at;
    const kept = half.kept;
    const length = u32(kept, 0);
    if (length === 0) {
      // Only a prefix: the fifth byte is the next message's.
      if (half.keptLength > 4) at--;
      half.keptLength = 0;
      this.emit(direction, mark, 4, { msg: "keep_alive" }, NO_ISSUES, false);
      return at;
    }
    if (half.keptLength < 5) return at;
    const type = kept[4] as number;
    if (length > MAX_MESSAGE_BYTES || !plausibleLength(type, length)) {
      this.lose(half, mark);
      return at;
    }
    const piece = type === MESSAGE.piece;
    const whole = !piece && length <= MAX_KEPT_BYTES && type !== MESSAGE.bitfield;
    const wanted = whole ? 4 + length : Math.min(4 + length, piece ? PIECE_HEAD_BYTES : 5);
    at = this.fill(half, wanted, bytes, at, end);
    if (half.keptLength < wanted) return at;
    if (whole) {
      this.message(half, direction, wanted, mark);
      half.keptLength = 0;
      return at;
    }
    half.type = type;
    half.length = length;
    if (piece) {
      half.index = u32(half.kept, 5);
      half.begin = u32(half.kept, 9);
    }
    half.keptLength = 0;
    half.holes = 0;
    half.skip = 4 + length - wanted;
    if (half.skip === 0) this.passed(half, direction, mark);
    return at;
  }

  private fill(half: Half, wanted: number, bytes: Uint8Array, at: number, end: number): number {
    const take = Math.min(Math.max(wanted - half.keptLength, 0), end - at);
    if (half.keptLength + take > half.kept.length) {
      const larger = new Uint8Array(Math.max(half.kept.length * 2, half.keptLength + take));
      larger.set(half.kept.subarray(0, half.keptLength));
      half.kept = larger;
    }
    for (let i = 0; i < take; i++) half.kept[half.keptLength + i] = bytes[at + i] as number;
    half.keptLength += take;
    return at + take;
  }

  private greeting(
    half: Half,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): number {
    const at = this.fill(half, HANDSHAKE_BYTES, bytes, start, end);
    if (beginsHandshake(half.kept, 0, half.keptLength) === "no") {
      half.greeted = true;
      this.lose(half, mark);
      return at;
    }
    if (half.keptLength < HANDSHAKE_BYTES) return at;
    half.greeted = true;
    const handshake = decodeHandshake(half.kept.slice(0, HANDSHAKE_BYTES));
    half.keptLength = 0;
    this.emit(direction, mark, HANDSHAKE_BYTES, peerRecord(handshake), NO_ISSUES, false);
    return at;
  }

  private message(half: Half, direction: Direction, size: number, mark: Mark): void {
    const bytes = half.kept.slice(0, size);
    const issues: Issue[] = [];
    try {
      const message = decodeMessage(bytes, { tolerate: (issue) => issues.push(issue) });
      let extension: string | undefined;
      if (message.msg === "extended") {
        if (message.id === 0) this.learn(half, message.payload, issues);
        else extension = this.halves[direction === 0 ? 1 : 0]?.extensions.get(message.id);
      }
      this.emit(direction, mark, size, peerRecord(message, extension), issues, false, bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      issues.push(error.toIssue());
      const msg = messageName(bytes[4] as number) ?? "unknown";
      this.emit(direction, mark, size, { msg }, issues, true, bytes);
    }
  }

  /** BEP 10: the ids that a side gives are those it wants to receive. */
  private learn(half: Half, payload: Uint8Array, issues: Issue[]): void {
    try {
      const handshake = decodeExtensionHandshake(payload, {
        tolerate: (issue) => issues.push(issue),
      });
      for (const [name, id] of handshake.extensions) half.extensions.set(id, name);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      issues.push(error.toIssue());
    }
  }

  /** The end of a message whose payload was passed over. */
  private passed(half: Half, direction: Direction, mark: Mark): void {
    const size = half.length + 4;
    const holed = half.holes > 0;
    const { bulk } = this.context.out;
    if (half.type === MESSAGE.piece && bulk !== undefined && !holed) {
      bulk.begin("bittorrent", this.flow, direction, mark, size);
      const { json } = bulk;
      json.room(160);
      json.put(PIECE);
      json.uint(half.index);
      json.put(BEGIN);
      json.uint(half.begin);
      json.put(LENGTH);
      json.uint(half.length - 9);
      json.put(this.carrier === "tcp" ? CARRIER_TCP : CARRIER_UTP);
      bulk.end(false, NO_ISSUES);
      return;
    }
    const issues = holed ? [holeIssue(half.holes)] : NO_ISSUES;
    this.emit(direction, mark, size, passedBody(half), issues, holed);
  }

  private emit(
    direction: Direction,
    mark: Mark,
    bytes: number,
    body: object,
    issues: readonly Issue[],
    malformed: boolean,
    wire?: Uint8Array,
  ): void {
    const whole = { ...body, carrier: this.carrier };
    const raw = wire === undefined ? undefined : { bytes: wire, start: 0, end: wire.length };
    this.context.out.emit(
      "bittorrent",
      this.flow,
      direction,
      mark,
      bytes,
      whole,
      { malformed, issues },
      raw,
    );
  }

  private lose(half: Half, mark: Mark): void {
    this.unknown(half.keptLength, mark);
    half.keptLength = 0;
    half.skip = 0;
    half.lost = true;
  }

  private unknown(bytes: number, mark: Mark): void {
    if (bytes === 0) return;
    this.context.account.unknown(bytes);
    this.flow.unknownBytes += bytes;
    this.flow.unknownMark = mark.keep();
  }

  /** Looks for a message that begins in `bytes[start, end)`; headers may lie across two calls. */
  private search(half: Half, bytes: Uint8Array, start: number, end: number, mark: Mark): number {
    const before = half.keptLength;
    const size = before + end - start;
    const all = new Uint8Array(size);
    all.set(half.kept.subarray(0, before));
    all.set(bytes.subarray(start, end), before);
    const found = findMessage(all, before === 0);
    if (found >= 0) {
      half.lost = false;
      half.keptLength = 0;
      this.unknown(found, mark);
      if (found >= before) return start + found - before;
      // It begins in what was kept.
      half.kept.set(all.subarray(found, before));
      half.keptLength = before - found;
      return start;
    }
    const rest = Math.min(PIECE_HEAD_BYTES - 1, size);
    this.unknown(size - rest, mark);
    half.kept.set(all.subarray(size - rest));
    half.keptLength = rest;
    return end;
  }

  /** Bytes kept of messages that are not whole. */
  held(): number {
    return (this.halves[0]?.kept.length ?? 0) + (this.halves[1]?.kept.length ?? 0);
  }

  gap(direction: Direction, missing: number, mark: Mark): void {
    const half = this.half(direction);
    if (half.lost) {
      this.unknown(half.keptLength, mark);
      half.keptLength = 0;
      return;
    }
    if (half.skip >= missing && half.skip > 0) {
      half.skip -= missing;
      half.holes += missing;
      if (half.skip === 0) this.passed(half, direction, mark);
      return;
    }
    this.cut(half, direction, mark, missing);
    half.greeted = true;
    half.lost = true;
  }

  end(direction: Direction, mark: Mark): void {
    const half = this.halves[direction];
    if (half === undefined) return;
    if (half.lost) {
      this.unknown(half.keptLength, mark);
      half.keptLength = 0;
    } else {
      this.cut(half, direction, mark, 0);
    }
  }

  /** What there is of a message whose end is missing. */
  private cut(half: Half, direction: Direction, mark: Mark, missing: number): void {
    this.context.account.truncated(half.keptLength);
    if (half.skip > 0) {
      half.holes += Math.max(missing, half.skip);
      this.emit(direction, mark, half.length + 4, passedBody(half), [holeIssue(half.holes)], true);
    }
    half.keptLength = 0;
    half.skip = 0;
  }
}

function passedBody(half: Half): Record<string, unknown> {
  if (half.type === MESSAGE.piece) {
    return { msg: "piece", index: half.index, begin: half.begin, length: half.length - 9 };
  }
  return { msg: messageName(half.type) ?? "unknown", length: half.length - 1 };
}

function holeIssue(missing: number): Issue {
  return {
    code: "bittorrent.message.gap",
    offset: 0,
    spec: "BEP 3",
    message: `${missing} bytes of the message are not in the capture`,
  };
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function plausibleLength(type: number, length: number): boolean {
  return messageName(type) === undefined
    ? type < 32 && length < MAX_KEPT_BYTES
    : lengthFits(type, length);
}

/** Blocks begin at multiples of this in all clients. */
const BLOCK_BYTES = 16_384;
const MAX_PIECE_INDEX = 1 << 22;

/** A header that hardly comes about by chance: types with a fixed length, and pieces at a block's border. */
function strongHeader(bytes: Uint8Array, at: number): boolean {
  const length = u32(bytes, at);
  const type = bytes[at + 4] as number;
  if (messageName(type) === undefined || !lengthFits(type, length)) return false;
  if (type === MESSAGE.piece) {
    return (
      u32(bytes, at + 5) < MAX_PIECE_INDEX &&
      u32(bytes, at + 9) % BLOCK_BYTES === 0 &&
      length <= 131_072 + 9
    );
  }
  if (type === MESSAGE.have || type === MESSAGE.request || type === MESSAGE.cancel) {
    return u32(bytes, at + 5) < MAX_PIECE_INDEX;
  }
  return false;
}

/** Whether whole messages of known types fill the bytes: a segment of short messages. */
function chainFills(bytes: Uint8Array): boolean {
  let at = 0;
  let messages = 0;
  while (at + 4 <= bytes.length) {
    const length = u32(bytes, at);
    if (length > 0) {
      const type = bytes[at + 4] as number;
      if (at + 5 > bytes.length || messageName(type) === undefined || !lengthFits(type, length)) {
        return false;
      }
      messages++;
    }
    at += 4 + length;
  }
  return messages > 0 && at === bytes.length;
}

/** `first`: the bytes begin with a segment, so a message may well begin there. */
function findMessage(bytes: Uint8Array, first: boolean): number {
  const end = bytes.length;
  if (first && chainFills(bytes)) return 0;
  for (let i = 0; i + PIECE_HEAD_BYTES <= end; i++) {
    // The prefix of all messages that are searched begins with two zero bytes, or 00 and a few bits.
    if (bytes[i] !== 0 || (bytes[i + 1] as number) > 2 || !strongHeader(bytes, i)) continue;
    const next = i + 4 + u32(bytes, i);
    if (next + PIECE_HEAD_BYTES > end || strongHeader(bytes, next) || u32(bytes, next) === 0) {
      if (bytes[i + 4] === MESSAGE.piece || (first && i === 0) || next + PIECE_HEAD_BYTES <= end)
        return i;
    }
  }
  return -1;
}

/**
 * IP fragments back to datagrams: RFC 791 3.2, RFC 8200 4.5.
 *
 * Where fragments overlap, the bytes that came first stay (policy "first"); IPv6 forbids overlaps
 * (RFC 5722) but captures of attacks hold them, and hiding the datagram would hide the attack.
 */
import type { Packet } from "../../codecs/link/packet.ts";

/** A datagram cannot be larger: 16-bit lengths. */
const MAX_DATAGRAM = 65_535;
/** RFC 8200 4.5 gives 60 s. */
const TIMEOUT_SECONDS = 60;
/** Bytes held in all unfinished datagrams; past that the oldest is given up. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** Fragments of one datagram: 65,535 / 8. */
const MAX_PIECES = 8192;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Unfinished {
  readonly pieces: Piece[];
  held: number;
  /** Length of the whole, once the last fragment was seen. */
  total: number;
  readonly since: number;
}

export class Defragmenter {
  /** Payload bytes of fragments whose datagram never became whole. */
  lostBytes = 0;
  private readonly unfinished = new Map<string, Unfinished>();
  private held = 0;

  /** Takes the fragment that `packet` describes. The whole payload when this one completes it. */
  add(packet: Packet, seconds: number): Uint8Array | undefined {
    const key = keyOf(packet);
    let datagram = this.unfinished.get(key);
    if (datagram !== undefined && seconds - datagram.since > TIMEOUT_SECONDS) {
      this.drop(key, datagram);
      datagram = undefined;
    }
    const { bytes, start, end, fragmentOffset } = packet;
    const length = end - start;
    const whole = packet.missing === 0;
    if (!whole || length === 0 || fragmentOffset + length > MAX_DATAGRAM) {
      this.lostBytes += length;
      return undefined;
    }
    if (datagram === undefined) {
      datagram = { pieces: [], held: 0, total: -1, since: seconds };
      this.unfinished.set(key, datagram);
    }
    if (datagram.pieces.length >= MAX_PIECES) {
      this.lostBytes += length;
      return undefined;
    }
    datagram.pieces.push({ offset: fragmentOffset, bytes: bytes.slice(start, end) });
    datagram.held += length;
    this.held += length;
    if (!packet.moreFragments && datagram.total < 0) datagram.total = fragmentOffset + length;
    const assembled = datagram.total >= 0 ? assemble(datagram) : undefined;
    if (assembled !== undefined) {
      this.held -= datagram.held;
      this.unfinished.delete(key);
      return assembled;
    }
    while (this.held > MAX_HELD_BYTES) {
      const oldest = this.unfinished.entries().next().value;
      if (oldest === undefined) break;
      this.drop(oldest[0], oldest[1]);
    }
    return undefined;
  }

  /** Gives up what never became whole. */
  end(): void {
    for (const [key, datagram] of this.unfinished) this.drop(key, datagram);
  }

  private drop(key: string, datagram: Unfinished): void {
    this.lostBytes += datagram.held;
    this.held -= datagram.held;
    this.unfinished.delete(key);
  }
}

function keyOf(p: Packet): string {
  const id = `${p.fragmentId},${p.protocol},${p.s0},${p.d0}`;
  return p.family === 4 ? id : `${id},${p.s1},${p.s2},${p.s3},${p.d1},${p.d2},${p.d3}`;
}

/** The whole payload when no byte of it is missing. The pieces stand in order of arrival. */
function assemble(datagram: Unfinished): Uint8Array | undefined {
  const { total, pieces } = datagram;
  if (datagram.held < total) return undefined;
  const sorted = [...pieces].sort((a, b) => a.offset - b.offset);
  let covered = 0;
  for (const piece of sorted) {
    if (piece.offset > covered) return undefined;
    covered = Math.max(covered, piece.offset + piece.bytes.length);
  }
  if (covered < total) return undefined;
  const whole = new Uint8Array(total);
  // The earliest written last, so that its bytes stay.
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i] as Piece;
    if (piece.offset < total)
      whole.set(piece.bytes.subarray(0, total - piece.offset), piece.offset);
  }
  return whole;
}

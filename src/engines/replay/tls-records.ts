/** What TLS leaves visible: when records of which size went which way. RFC 8446 5.1. */

const HEADER = 5;
const APPLICATION_DATA = 23;
/** RFC 8446 5.2: plaintext, content type, padding and tag. */
const MAX_RECORD = 16_384 + 2048;

/** Octets of application data that a client sent in a row, and what came back before its next. */
export interface Burst {
  readonly startMs: number;
  requestBytes: number;
  firstByteMs: number;
  endMs: number;
  responseBytes: number;
}

/** Application data of both directions, taken as questions and answers. */
export class RecordReader {
  readonly bursts: Burst[] = [];
  private readonly sides = [new Side(), new Side()] as const;

  data(fromClient: boolean, bytes: Uint8Array, start: number, end: number, at: number): void {
    const side = this.sides[fromClient ? 0 : 1];
    side.read(bytes, start, end, (type, size) => {
      if (type !== APPLICATION_DATA) return;
      if (fromClient) this.asked(size, at);
      else this.answered(size, at);
    });
  }

  /** Records can no longer be told apart in this direction. */
  gap(fromClient: boolean): void {
    this.sides[fromClient ? 0 : 1].lost = true;
  }

  private asked(size: number, at: number): void {
    const last = this.bursts.at(-1);
    if (last !== undefined && last.responseBytes === 0) {
      last.requestBytes += size;
      return;
    }
    this.bursts.push({
      startMs: at,
      requestBytes: size,
      firstByteMs: at,
      endMs: at,
      responseBytes: 0,
    });
  }

  /** Before the client's first, they are of the handshake: RFC 8446 2. */
  private answered(size: number, at: number): void {
    const last = this.bursts.at(-1);
    if (last === undefined) return;
    if (last.responseBytes === 0) last.firstByteMs = at;
    last.responseBytes += size;
    last.endMs = at;
  }
}

class Side {
  lost = false;
  private readonly head = new Uint8Array(HEADER);
  private headLength = 0;
  /** Octets of the present record that are still to come. */
  private left = 0;

  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    onRecord: (type: number, bytes: number) => void,
  ): void {
    let at = start;
    while (at < end && !this.lost) {
      if (this.left > 0) {
        const part = Math.min(this.left, end - at);
        this.left -= part;
        at += part;
        onRecord(this.head[0] as number, part);
        continue;
      }
      this.head[this.headLength++] = bytes[at++] as number;
      if (this.headLength < HEADER) continue;
      this.headLength = 0;
      this.left = ((this.head[3] as number) << 8) | (this.head[4] as number);
      if (this.left > MAX_RECORD || this.head[1] !== 3) this.lost = true;
    }
  }
}

/** Bytes on their way to a connection: gathered while it is corked, so that a batch is one write. */
import type { TcpConnection } from "../host.ts";

const NOTHING = new Uint8Array(0);
/** Up to here pieces are joined into one. */
const JOIN_BYTES = 64 * 1024;

export class Outbox {
  private readonly connection: TcpConnection;
  private pieces: Uint8Array[] = [];
  private bytes = 0;
  private corked = false;
  /** The last write said that more follows. */
  private announced = false;

  constructor(connection: TcpConnection) {
    this.connection = connection;
  }

  /** Octets that were pushed, and those of them that the network has taken. */
  private pushed = 0;
  get taken(): number {
    return this.pushed - this.buffered;
  }

  /** Octets that the network has not taken. */
  get buffered(): number {
    return this.bytes + this.connection.buffered;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.pieces.push(piece);
    this.bytes += piece.length;
    this.pushed += piece.length;
    if (!this.corked || this.bytes > JOIN_BYTES) this.flush(this.corked);
  }

  /** Pieces of one whole, which share a write. */
  pushTogether(pieces: readonly Uint8Array[]): void {
    const { corked } = this;
    this.corked = true;
    for (const piece of pieces) this.push(piece);
    if (!corked) this.uncork();
  }

  cork(): void {
    this.corked = true;
  }

  /** `more`: what is written next may share a segment. */
  uncork(more = false): void {
    this.corked = false;
    // What a full batch sent ahead said that more would follow: now it does not.
    if (this.bytes === 0 && this.announced && !more) this.connection.write(NOTHING);
    this.flush(more);
  }

  private flush(more = false): void {
    const { pieces, bytes } = this;
    if (bytes === 0) return;
    this.announced = more;
    this.pieces = [];
    this.bytes = 0;
    if (pieces.length === 1 || bytes > JOIN_BYTES) {
      for (let i = 0; i < pieces.length; i++) {
        this.connection.write(pieces[i] as Uint8Array, more || i < pieces.length - 1);
      }
      return;
    }
    const joined = new Uint8Array(bytes);
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.connection.write(joined, more);
  }
}

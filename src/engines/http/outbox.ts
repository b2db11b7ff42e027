/** Bytes on their way to a connection: gathered while it is corked, so that a batch is one write. */
import type { TcpConnection } from "../host.ts";

/** Up to here pieces are joined into one. */
const JOIN_BYTES = 64 * 1024;

export class Outbox {
  private readonly connection: TcpConnection;
  private pieces: Uint8Array[] = [];
  private bytes = 0;
  private corked = false;

  constructor(connection: TcpConnection) {
    this.connection = connection;
  }

  /** Octets that the network has not taken. */
  get buffered(): number {
    return this.bytes + this.connection.buffered;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.pieces.push(piece);
    this.bytes += piece.length;
    if (!this.corked) this.flush();
    else if (this.bytes > JOIN_BYTES) this.makeRoom(piece);
  }

  /** All but the last piece goes out: what ends the batch says so. */
  private makeRoom(last: Uint8Array): void {
    const { pieces } = this;
    pieces.pop();
    for (const piece of pieces) this.connection.write(piece, true);
    this.pieces = [last];
    this.bytes = last.length;
  }

  cork(): void {
    this.corked = true;
  }

  /** `more`: what is written next may share a segment. */
  uncork(more = false): void {
    this.corked = false;
    this.flush(more);
  }

  private flush(more = false): void {
    const { pieces, bytes } = this;
    if (bytes === 0) return;
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

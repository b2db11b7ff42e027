/** Request bodies of octets and files one after the other; files are read as they are sent. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { BodyOut, BodySource } from "../../../engines/http/client-connection.ts";
import { CommandError, EXIT } from "../../../failure.ts";

export type Piece = Uint8Array | { readonly path: string; readonly size: number };

const READ_BYTES = 32 * 1024;

/** @throws CommandError for what is no file that can be read. */
export function filePiece(path: string): Piece {
  try {
    const fd = openSync(path, "r");
    const stat = fstatSync(fd);
    closeSync(fd);
    if (!stat.isFile()) throw new CommandError(`${path}: not a file`, EXIT.input);
    return { path, size: stat.size };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be read (${code})`, EXIT.input);
  }
}

export class PiecesSource implements BodySource {
  readonly length: number;
  private readonly pieces: readonly Piece[];
  private at = 0;
  private fd: number | undefined = undefined;
  private left = 0;
  /** Octets given of a piece that is in memory. */
  private within = 0;
  private done = false;

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    this.length = pieces.reduce(
      (sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.size),
      0,
    );
  }

  /** The same body from its beginning. */
  again(): BodySource {
    this.close();
    return new PiecesSource(this.pieces);
  }

  pump(out: BodyOut): void {
    try {
      while (!this.done) {
        const bytes = this.next();
        if (bytes === undefined) {
          this.done = true;
          out.end();
          return;
        }
        if (!out.write(bytes)) return;
      }
    } catch (error) {
      this.done = true;
      this.close();
      out.fail(error as Error);
    }
  }

  private next(): Uint8Array | undefined {
    for (;;) {
      const piece = this.pieces[this.at];
      if (piece === undefined) return undefined;
      if (piece instanceof Uint8Array) {
        const part = piece.subarray(this.within, this.within + READ_BYTES);
        this.within += part.length;
        if (part.length > 0) return part;
        this.within = 0;
        this.at++;
        continue;
      }
      if (this.fd === undefined) {
        this.fd = openSync(piece.path, "r");
        this.left = piece.size;
      }
      if (this.left === 0) {
        this.close();
        this.at++;
        continue;
      }
      const bytes = new Uint8Array(Math.min(READ_BYTES, this.left));
      const length = readSync(this.fd, bytes, 0, bytes.length, null);
      // Its size is told already: a file that shrinks cannot be sent.
      if (length === 0) throw new Error(`${piece.path} became shorter while it was sent`);
      this.left -= length;
      return bytes.subarray(0, length);
    }
  }

  private close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

/** stdin, chunked, since its length is not known. */
export class StdinSource implements BodySource {
  readonly length = undefined;
  private out: BodyOut | undefined = undefined;
  private began = false;

  pump(out: BodyOut): void {
    this.out = out;
    if (this.began) {
      process.stdin.resume();
      return;
    }
    this.began = true;
    process.stdin.on("data", (bytes: Buffer) => {
      if (this.out?.write(bytes) === false) process.stdin.pause();
    });
    process.stdin.on("end", () => this.out?.end());
    process.stdin.on("error", (error) => this.out?.fail(error));
  }
}

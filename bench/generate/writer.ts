/** Writes classic captures fast: packets into one buffer, the buffer to the file. */
import { closeSync, openSync, writeSync } from "node:fs";
import { classicHeader } from "../../src/codecs/pcap/classic.ts";

const BUFFER = 4 * 1024 * 1024;

export class CaptureWriter {
  packets = 0;
  bytes = 24;
  private readonly fd: number;
  private readonly buffer = Buffer.allocUnsafe(BUFFER);
  private at = 0;
  /** Microseconds since the epoch. */
  private now = 1_700_000_000_000_000;

  constructor(path: string) {
    this.fd = openSync(path, "w");
    this.at = Buffer.from(classicHeader({ little: true })).copy(this.buffer);
  }

  /** Moves the clock. */
  advance(microseconds: number): void {
    this.now += microseconds;
  }

  write(frame: Uint8Array): void {
    if (this.at + 16 + frame.length > BUFFER) this.flush();
    const { buffer } = this;
    const seconds = Math.floor(this.now / 1e6);
    this.at = buffer.writeUInt32LE(seconds, this.at);
    this.at = buffer.writeUInt32LE(this.now - seconds * 1e6, this.at);
    this.at = buffer.writeUInt32LE(frame.length, this.at);
    this.at = buffer.writeUInt32LE(frame.length, this.at);
    buffer.set(frame, this.at);
    this.at += frame.length;
    this.packets++;
    this.bytes += 16 + frame.length;
  }

  private flush(): void {
    writeSync(this.fd, this.buffer, 0, this.at);
    this.at = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.fd);
  }
}

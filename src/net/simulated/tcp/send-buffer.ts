/** The octets of a stream from the first that is not acknowledged to the last that was written. */
export class SendBuffer {
  private chunks: Uint8Array[] = [];
  /** Offset of the first octet of `chunks`. */
  private base = 0;
  /** Offsets: all before `acked` has arrived, all before `sent` was sent once. */
  acked = 0;
  sent = 0;
  end = 0;

  /** Octets that were written and never sent: what is on its way is the network's. */
  get pending(): number {
    return this.end - this.sent;
  }

  push(data: Uint8Array): void {
    this.chunks.push(data);
    this.end += data.length;
  }

  /** Octets from `offset` on; a view where they lie in one chunk. */
  read(offset: number, length: number): Uint8Array {
    let at = this.base;
    let i = 0;
    for (; at + (this.chunks[i] as Uint8Array).length <= offset; i++)
      at += (this.chunks[i] as Uint8Array).length;
    const first = this.chunks[i] as Uint8Array;
    const from = offset - at;
    if (from + length <= first.length) {
      return new Uint8Array(first.buffer, first.byteOffset + from, length);
    }
    const joined = new Uint8Array(length);
    let to = 0;
    let skip = from;
    while (to < length) {
      const chunk = this.chunks[i++] as Uint8Array;
      const part = chunk.subarray(skip, skip + length - to);
      joined.set(part, to);
      to += part.length;
      skip = 0;
    }
    return joined;
  }

  release(offset: number): void {
    this.acked = offset;
    let dropped = 0;
    for (const chunk of this.chunks) {
      if (this.base + chunk.length > offset) break;
      this.base += chunk.length;
      dropped++;
    }
    if (dropped > 0) this.chunks = this.chunks.slice(dropped);
  }
}

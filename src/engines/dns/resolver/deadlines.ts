/** Deadlines by number, the earliest first: a binary heap that forgets lazily. */
import type { Nanos } from "../../host.ts";

interface Entry {
  readonly id: number;
  readonly at: Nanos;
}

export class Deadlines {
  private readonly heap: Entry[] = [];
  /** What counts; an entry of the heap that says otherwise is old. */
  private readonly current = new Map<number, Nanos>();

  set(id: number, at: Nanos): void {
    this.current.set(id, at);
    this.heap.push({ id, at });
    this.up(this.heap.length - 1);
  }

  delete(id: number): void {
    this.current.delete(id);
  }

  /** The earliest that still counts. */
  get next(): Nanos | undefined {
    this.prune();
    return this.heap[0]?.at;
  }

  /** Takes one that has passed; undefined when there is none. */
  take(now: Nanos): number | undefined {
    this.prune();
    const first = this.heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.current.delete(first.id);
    this.pop();
    return first.id;
  }

  /** Moves all by so much. */
  shift(by: Nanos): void {
    for (const [id, at] of [...this.current]) this.set(id, at + by);
  }

  private prune(): void {
    for (let first = this.heap[0]; first !== undefined; first = this.heap[0]) {
      if (this.current.get(first.id) === first.at) return;
      this.pop();
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.down(0);
  }

  private up(from: number): void {
    const { heap } = this;
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if ((heap[parent] as Entry).at <= (heap[i] as Entry).at) return;
      this.swap(i, parent);
      i = parent;
    }
  }

  private down(from: number): void {
    const { heap } = this;
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && (heap[child] as Entry).at < (heap[least] as Entry).at)
          least = child;
      if (least === i) return;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(a: number, b: number): void {
    const kept = this.heap[a] as Entry;
    this.heap[a] = this.heap[b] as Entry;
    this.heap[b] = kept;
  }
}

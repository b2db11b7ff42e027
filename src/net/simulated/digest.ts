/**
 * What happened in a run, in 64 bits: two runs that differ in one delivery, timer or note differ
 * here. Checkpoints let two runs be searched for the first event in which they differ.
 */

const CHECKPOINT_EVENTS = 65_536;
/** Octets of a delivery that are looked at. */
const LEADING_BYTES = 16;

export interface Checkpoint {
  readonly events: number;
  readonly digest: string;
}

export class Digest {
  private high = 0x243f6a88;
  private low = 0x85a308d3 | 0;
  events = 0;
  readonly checkpoints: Checkpoint[] = [];

  private mix(value: number): void {
    this.high = Math.imul(this.high ^ value, 0x01000193);
    this.high ^= this.high >>> 15;
    this.low = (Math.imul(this.low ^ value, 0x5bd1e995) + this.high) | 0;
    this.low ^= this.low >>> 13;
  }

  /** `kind`: what sort of event; `bytes`: what was delivered. */
  event(time: number, kind: number, node: number, bytes: Uint8Array | undefined): void {
    this.mix((time % 0x100000000) | 0);
    this.mix(Math.floor(time / 0x100000000) ^ (kind << 24));
    this.mix(node);
    if (bytes !== undefined) {
      const { length } = bytes;
      this.mix(length);
      const stop = length < LEADING_BYTES ? length : LEADING_BYTES;
      for (let i = 0; i < stop; i++) this.mix(bytes[i] as number);
    }
    if (++this.events % CHECKPOINT_EVENTS === 0)
      this.checkpoints.push({ events: this.events, digest: this.text });
  }

  note(time: number, node: number, kind: string, a: number, b: number): void {
    this.event(time, KIND.trace, node, undefined);
    for (let i = 0; i < kind.length; i++) this.mix(kind.charCodeAt(i));
    this.mix(a | 0);
    this.mix(b | 0);
  }

  get text(): string {
    const part = (n: number) => (n >>> 0).toString(16).padStart(8, "0");
    return part(this.high) + part(this.low);
  }
}

export const KIND = { deliver: 1, timer: 2, trace: 3, fault: 4 } as const;

/** xoshiro128** (Blackman and Vigna) on 32-bit integers, seeded by splitmix32 over a label. */
import type { Random } from "../engines/host.ts";

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

export class Xoshiro implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed | 0;
    const mix = splitmix32(seed);
    this.a = mix();
    this.b = mix();
    this.c = mix();
    this.d = mix() | 1;
  }

  u32(): number {
    const result = Math.imul(rotl(Math.imul(this.b, 5), 7), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = rotl(this.d, 11);
    return result;
  }

  unit(): number {
    return this.u32() / 0x100000000;
  }

  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  bytes(out: Uint8Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.u32() >>> 24;
  }

  fork(label: string): Random {
    return new Xoshiro(this.seed ^ hashOf(label) ^ Math.imul(label.length, 0x9e3779b1));
  }
}

/** Inputs from valid messages: flipped, cut, repeated, joined, with numbers at their limits. */

/** xorshift128: the same seed gives the same inputs. */
export class Random {
  private readonly state: Uint32Array;

  constructor(seed: number) {
    this.state = Uint32Array.of(seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162);
  }

  next(): number {
    const s = this.state;
    let t = s[3] as number;
    const first = s[0] as number;
    s[3] = s[2] as number;
    s[2] = s[1] as number;
    s[1] = first;
    t ^= t << 11;
    t ^= t >>> 8;
    s[0] = t ^ first ^ (first >>> 19);
    return s[0] as number;
  }

  below(limit: number): number {
    return this.next() % limit;
  }
}

const LIMITS = [0, 1, 0x7f, 0x80, 0xff, 0xc0, 0x0d, 0x0a, 0x20, 0x3a, 0x65, 0x30, 0x39];
const MAX_BYTES = 4096;

export function mutate(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = (seeds[random.below(seeds.length)] as Uint8Array).slice();
  const edits = 1 + random.below(6);
  for (let i = 0; i < edits; i++) bytes = edit(bytes, seeds, random);
  return bytes.length > MAX_BYTES ? bytes.slice(0, MAX_BYTES) : bytes;
}

function edit(bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.below(256));
  const at = random.below(bytes.length);
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.below(256);
      return bytes;
    case 1:
      bytes[at] = LIMITS[random.below(LIMITS.length)] as number;
      return bytes;
    case 2:
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4: {
      const to = Math.min(bytes.length, at + 1 + random.below(16));
      return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(at)]);
    }
    case 5: {
      const to = Math.min(bytes.length, at + 1 + random.below(16));
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(to)]);
    }
    case 6: {
      const other = seeds[random.below(seeds.length)] as Uint8Array;
      return Uint8Array.from([
        ...bytes.subarray(0, at),
        ...other.subarray(random.below(other.length + 1)),
      ]);
    }
    default: {
      const value = random.below(2) === 0 ? 0xff : 0;
      for (let i = at; i < Math.min(bytes.length, at + 4); i++) bytes[i] = value;
      return bytes;
    }
  }
}

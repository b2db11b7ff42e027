/**
 * Consistent hashing: each machine has many points on a ring, and a key belongs to the next one. One
 * machine more or less moves only the keys that it takes or had. Karger et al. 1997.
 */

/** Points of a machine of weight 1: shares differ by some 8 % then. */
const POINTS = 160;

/** FNV-1a with a final mix: even over short keys that differ in a digit. */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

export class Ring {
  private readonly points: { readonly at: number; readonly id: string }[] = [];

  add(id: string, weight = 1): void {
    const count = Math.max(1, Math.round(POINTS * weight));
    for (let i = 0; i < count; i++) this.points.push({ at: hashText(`${id}#${i}`), id });
    this.points.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  }

  remove(id: string): void {
    const kept = this.points.filter((point) => point.id !== id);
    this.points.splice(0, this.points.length, ...kept);
  }

  /** The machine of a key, or the next one on the ring that `usable` lets pass. */
  find(key: string, usable: (id: string) => boolean = () => true): string | undefined {
    const { points } = this;
    if (points.length === 0) return undefined;
    const hash = hashText(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as { at: number }).at < hash) low = middle + 1;
      else high = middle;
    }
    for (let i = 0; i < points.length; i++) {
      const { id } = points[(low + i) % points.length] as { id: string };
      if (usable(id)) return id;
    }
    return undefined;
  }
}

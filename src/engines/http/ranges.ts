/** Byte ranges. RFC 9110 14. */

/** First and last octet, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** Ranges of one request: more are an attack (RFC 9110 17.15). */
const MAX_RANGES = 50;

/**
 * The satisfiable ranges of a Range field for `size` octets, overlapping ones joined. Undefined: the
 * field is to be ignored (another unit, malformed, too many); an empty list: none can be satisfied.
 */
export function parseRanges(value: string, size: number): ByteRange[] | undefined {
  const match = /^bytes[ \t]*=[ \t]*(.*)$/i.exec(value.trim());
  if (match === null) return undefined;
  const parts = (match[1] as string).split(",").map((part) => part.trim());
  const specs = parts.filter((part) => part !== "");
  if (specs.length === 0 || specs.length > MAX_RANGES) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const bounds = /^([0-9]{0,15})-([0-9]{0,15})$/.exec(spec);
    const [, from = "", to = ""] = bounds ?? [];
    if (bounds === null || (from === "" && to === "")) return undefined;
    if (from === "") {
      const length = Number(to);
      if (length > 0 && size > 0)
        ranges.push({ first: Math.max(0, size - length), last: size - 1 });
      continue;
    }
    const first = Number(from);
    const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
    if (to !== "" && Number(to) < first) return undefined;
    if (first < size) ranges.push({ first, last });
  }
  return joinOverlapping(ranges);
}

/** RFC 9110 14.2: the order asked for stays where nothing overlaps. */
function joinOverlapping(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const overlaps = sorted.some(
    (range, i) => i > 0 && range.first <= (sorted[i - 1] as ByteRange).last + 1,
  );
  if (!overlaps) return [...ranges];
  const joined: ByteRange[] = [];
  for (const range of sorted) {
    const before = joined[joined.length - 1];
    if (before !== undefined && range.first <= before.last + 1) {
      joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    } else joined.push(range);
  }
  return joined;
}

export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.first}-${range.last}/${size}`;
}

/** `bytes 0-4/10`; the size is undefined where it is `*`. */
export function parseContentRange(
  value: string,
): { range: ByteRange; size: number | undefined } | undefined {
  const match = /^bytes[ \t]+([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15}|\*)$/i.exec(value.trim());
  if (match === null) return undefined;
  const range = { first: Number(match[1]), last: Number(match[2]) };
  const size = match[3] === "*" ? undefined : Number(match[3]);
  if (range.last < range.first || (size !== undefined && range.last >= size)) return undefined;
  return { range, size };
}

/**
 * Paths in one form, so that what is said of a path holds for all ways to write it. RFC 3986 6.2.2;
 * `isBelow` goes further and takes for the same whatever some origin may take for the same.
 */
import { withoutDots } from "../cache/key.ts";

const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** An origin that decodes more often than this is not met. */
const DECODINGS = 4;

/** Path and query in normal form: RFC 3986 6.2.2.1 to 6.2.2.3. Undefined: no path, or a % that is none. */
export function normalTarget(
  target: string,
): { path: string; query: string | undefined } | undefined {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  if (!path.startsWith("/") || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const decoded = path.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return UNRESERVED.test(char) ? char : triplet.toUpperCase();
  });
  return { path: withoutDots(decoded), query: mark < 0 ? undefined : target.slice(mark + 1) };
}

export function targetText(path: string, query: string | undefined): string {
  return query === undefined ? path : `${path}?${query}`;
}

/**
 * Whether a path is at or below `prefix` for any reader: percent-encoding undone once or more often,
 * runs of slashes, backslashes, parameters of segments and case told apart or not.
 */
export function isBelow(path: string, prefix: string): boolean {
  const [below = ""] = readings(prefix).slice(-1);
  const bare = below.replace(/\/$/, "");
  return readings(path).some((one) => one === bare || one.startsWith(`${bare}/`));
}

function readings(path: string): string[] {
  const found: string[] = [];
  let text = path;
  for (let i = 0; i < DECODINGS; i++) {
    const flat = text.replace(/\\/g, "/");
    for (const one of [flat, flat.replace(/;[^/]*/g, ""), flat.replace(/\0.*$/s, "")]) {
      found.push(withoutDots(one.replace(/\/{2,}/g, "/")).toLowerCase());
      // Dot segments may be removed before runs of slashes are.
      found.push(
        withoutDots(one)
          .replace(/\/{2,}/g, "/")
          .toLowerCase(),
      );
    }
    const next = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === text) break;
    text = next;
  }
  return found;
}

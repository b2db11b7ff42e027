/** From a request's target to a name below a folder. RFC 3986 5.2.4, 6.2.2; RFC 9110 17.3. */
import { parseTarget, percentDecode } from "../../../codecs/http/uri.ts";

export type PathFault = 400 | 404;

/**
 * Segments of the path, decoded, without `.` and `..`. Refused: what cannot be decoded, NUL, a slash
 * or backslash that was encoded, a way out of the root, and names that begin with a point.
 */
export function segmentsOf(target: string): { segments: string[]; folder: boolean } | PathFault {
  const form = parseTarget(target);
  const path =
    form?.form === "origin"
      ? form.path
      : form?.form === "absolute"
        ? form.uri.path || "/"
        : undefined;
  if (path === undefined) return 400;
  const segments: string[] = [];
  const parts = path.split("/").slice(1);
  for (const part of parts) {
    const name = percentDecode(part);
    if (name === undefined || /[\0/\\]/.test(name)) return 400;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (segments.pop() === undefined) return 400;
      continue;
    }
    // Files that begin with a point are not for everyone: .git, .env, .htpasswd.
    if (name.startsWith(".") && name !== ".well-known") return 404;
    segments.push(name);
  }
  const last = parts[parts.length - 1];
  return { segments, folder: last === "" || last === "." || last === ".." };
}

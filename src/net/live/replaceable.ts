/** Files that appear whole, by a rename: what is no file must not be renamed over, root could. */
import { realpathSync, statSync } from "node:fs";

/** The name that a new file takes: links are followed and stay. Undefined for a device or a pipe. */
export function replaceable(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return path;
  return stat.isFile() || stat.isDirectory() ? realpathSync(path) : undefined;
}

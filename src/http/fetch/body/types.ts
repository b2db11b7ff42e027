/** Media types of files by their names. */
import { lookup } from "mrmime";

export function extensionType(path: string): string {
  return lookup(path) ?? "application/octet-stream";
}

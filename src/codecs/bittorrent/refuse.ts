/** The error of a torrent file that cannot be used. */
import type { BencodeNode } from "../bencode/node.ts";
import { DecodeError } from "../errors.ts";

export function refuse(
  code: string,
  node: BencodeNode | undefined,
  spec: string,
  message: string,
): never {
  throw new DecodeError(`torrent.${code}`, node?.start ?? 0, spec, message);
}

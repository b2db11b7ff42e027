/** `--checksum`: whether a file is what somebody said it is. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { CommandError, EXIT } from "../../failure.ts";

export interface Checksum {
  readonly algorithm: "sha256" | "sha512" | "sha1" | "md5";
  /** Lower case. */
  readonly hex: string;
}

const LENGTHS = { sha256: 64, sha512: 128, sha1: 40, md5: 32 } as const;
const READ_BYTES = 1024 * 1024;

/** @throws CommandError */
export function checksumOf(text: string): Checksum {
  const [, name = "", hex = ""] = /^(sha256|sha512|sha1|md5):([0-9a-f]+)$/i.exec(text) ?? [];
  const algorithm = name.toLowerCase() as Checksum["algorithm"];
  if (LENGTHS[algorithm] !== hex.length) {
    throw new CommandError("--checksum: write it as sha256:HEX (or sha512, sha1, md5)");
  }
  return { algorithm, hex: hex.toLowerCase() };
}

/** @throws CommandError when the file is another. */
export function verifyFile(path: string, { algorithm, hex }: Checksum): void {
  const hash = createHash(algorithm);
  const fd = openSync(path, "r");
  try {
    const bytes = new Uint8Array(READ_BYTES);
    for (;;) {
      const length = readSync(fd, bytes, 0, READ_BYTES, null);
      if (length === 0) break;
      hash.update(bytes.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
  const found = hash.digest("hex");
  if (found !== hex) {
    throw new CommandError(`${path}: its ${algorithm} is ${found}, not ${hex}`, EXIT.negative);
  }
}

/** The folder of captures and vectors that others made: optional, named by NETKIT_CORPUS. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

export const CORPUS = process.env["NETKIT_CORPUS"] ?? "../shared/corpus";
export const hasCorpus = existsSync(join(CORPUS, "captures"));

if (!hasCorpus) {
  process.stderr.write(
    `corpus tests are skipped: there is no ${CORPUS}/captures (set NETKIT_CORPUS)\n`,
  );
}

/** A message as the reference reading tells it; names as in the truth files. */
export interface TruthMessage {
  readonly frame: number;
  readonly proto: string;
  readonly in_icmp?: boolean;
  readonly malformed?: boolean;
  readonly [key: string]: unknown;
}

export interface TruthCapture {
  /** `folder/file`. */
  readonly name: string;
  readonly folder: string;
  readonly path: string;
  readonly messages: readonly TruthMessage[];
}

export function truthCaptures(): TruthCapture[] {
  const found: TruthCapture[] = [];
  const root = join(CORPUS, "captures");
  for (const folder of readdirSync(root).sort()) {
    for (const file of readdirSync(join(root, folder)).sort()) {
      const truth = join(CORPUS, "truth", folder, `${file}.messages.ndjson.gz`);
      if (!existsSync(truth)) continue;
      const lines = gunzipSync(readFileSync(truth)).toString("utf8").split("\n");
      found.push({
        name: `${folder}/${file}`,
        folder,
        path: join(root, folder, file),
        messages: lines.filter((l) => l !== "").map((l) => JSON.parse(l) as TruthMessage),
      });
    }
  }
  return found;
}

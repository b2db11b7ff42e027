/**
 * Changes of a zone on the disk, one a line, each with its checksum: on the disk before they are
 * answered (RFC 2136 3.5), played again at start. A last line that was cut is dropped.
 */
import { createHash } from "node:crypto";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { DiskError, DiskFile, Host } from "../host.ts";
import type { Zone } from "./zone.ts";
import { ZoneError, Zone as ZoneTree } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { applyDiffs, serialOf } from "./zone-diff.ts";

function sum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function lineOf(diff: ZoneDiff): string {
  // Only ASCII: names are text of escapes, all else is numbers and hex.
  const text = JSON.stringify(diff).replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${sum(text)} ${text}\n`;
}

/** The changes that are whole, and where they end. */
function readLines(text: string): { diffs: ZoneDiff[]; end: number } {
  const diffs: ZoneDiff[] = [];
  let end = 0;
  for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", end)) {
    const line = text.slice(end, to);
    const body = line.slice(17);
    if (line.slice(0, 17) !== `${sum(body)} `) break;
    diffs.push(JSON.parse(body) as ZoneDiff);
    end = to + 1;
  }
  return { diffs, end };
}

/** The zone after the changes that follow its serial; `stale`: they are none of this zone's. */
export function replay(
  zone: Zone,
  diffs: readonly ZoneDiff[],
): { zone: Zone; played: readonly ZoneDiff[]; stale: boolean } {
  const at = diffs.findIndex(({ from }) => serialOf(from) === zone.serial);
  const last = diffs.at(-1);
  if (at < 0) {
    const current = last === undefined || serialOf(last.to) === zone.serial;
    return { zone, played: [], stale: !current };
  }
  const played = diffs.slice(at);
  const records = applyDiffs(zone, played);
  try {
    if (records !== undefined)
      return { zone: new ZoneTree(zone.name, records), played, stale: false };
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
  }
  return { zone, played: [], stale: true };
}

export class UpdateJournal {
  private readonly host: Host;
  private readonly path: string;
  private file: DiskFile | undefined;
  private end = 0;

  constructor(host: Host, path: string) {
    this.host = host;
    this.path = path;
  }

  load(done: (error: DiskError | null, diffs: readonly ZoneDiff[]) => void): void {
    this.host.disk.open(this.path, "create", (error, file) => {
      if (error !== null || file === undefined) return done(error, []);
      this.file = file;
      file.size((_e, size = 0) => {
        file.read(0, size, (failed, bytes = new Uint8Array(0)) => {
          if (failed !== null) return done(failed, []);
          const { diffs, end } = readLines(latin1(bytes, 0, bytes.length));
          this.end = end;
          file.truncate(end, (uncut) => done(uncut, diffs));
        });
      });
    });
  }

  /** It is on the disk when `done` is called without an error. */
  append(diff: ZoneDiff, done: (error: Error | null) => void): void {
    const { file } = this;
    if (file === undefined) return done(new Error("the journal is not open"));
    const bytes = latin1Bytes(lineOf(diff));
    file.write(this.end, bytes, (unwritten) => {
      file.sync((unsynced) => {
        const error = unwritten ?? unsynced;
        if (error === null) this.end += bytes.length;
        done(error);
      });
    });
  }

  /** Sets its changes aside, as `PATH.old`. */
  discard(done: () => void): void {
    this.file?.close();
    this.file = undefined;
    this.end = 0;
    this.host.disk.rename(this.path, `${this.path}.old`, () => this.load(() => done()));
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }
}

/**
 * Changes of a zone on the disk, one a line, each with its checksum: on the disk before they are
 * answered (RFC 2136 3.5), played again at start. A last line that was cut is dropped: it was never
 * answered. A line that is there and wrong is damage: it is told, and the file is kept.
 */
import { createHash } from "node:crypto";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { DiskFile, Host } from "../host.ts";
import { replaceFile } from "./whole-file.ts";
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

/** What cannot be played: the changes behind a damaged one do not fit the zone without it. */
export interface JournalDamage {
  /** Of the first damaged change, from 1. */
  readonly entry: number;
  /** Changes that are whole and come after it. */
  readonly lost: number;
}

interface Contents {
  readonly diffs: readonly ZoneDiff[];
  /** Where they end. */
  readonly end: number;
  readonly damage: JournalDamage | undefined;
}

/** Undefined: it is no whole change. */
function diffOf(line: string): ZoneDiff | undefined {
  const body = line.slice(17);
  return line.slice(0, 17) === `${sum(body)} ` ? (JSON.parse(body) as ZoneDiff) : undefined;
}

function readLines(text: string): Contents {
  // What stands behind the last newline was cut, by a power failure or a full disk.
  const lines = text.split("\n").slice(0, -1);
  const diffs: ZoneDiff[] = [];
  let end = 0;
  for (const [i, line] of lines.entries()) {
    const diff = diffOf(line);
    if (diff === undefined) {
      const lost = lines.slice(i + 1).filter((one) => diffOf(one) !== undefined).length;
      return { diffs, end, damage: { entry: i + 1, lost } };
    }
    diffs.push(diff);
    end += line.length + 1;
  }
  return { diffs, end, damage: undefined };
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

type Loaded = (error: Error | null, diffs: readonly ZoneDiff[], damage?: JournalDamage) => void;

export class UpdateJournal {
  private readonly host: Host;
  readonly path: string;
  private file: DiskFile | undefined;
  private end = 0;

  constructor(host: Host, path: string) {
    this.host = host;
    this.path = path;
  }

  /** `damage`: the file as it was is kept as `PATH.old`. */
  load(done: Loaded): void {
    this.host.disk.open(this.path, "create", (error, file) => {
      if (error !== null || file === undefined) return done(error, []);
      this.file = file;
      file.size((_e, size = 0) => {
        file.read(0, size, (failed, bytes = new Uint8Array(0)) => {
          if (failed !== null) return done(failed, []);
          const contents = readLines(latin1(bytes, 0, bytes.length));
          if (contents.damage !== undefined) return this.renew(bytes, contents, done);
          this.end = contents.end;
          file.truncate(contents.end, (uncut) => done(uncut, contents.diffs));
        });
      });
    });
  }

  /** The damaged file is set aside, and its whole beginning is the journal from now on. */
  private renew(bytes: Uint8Array, { diffs, end, damage }: Contents, done: Loaded): void {
    this.file?.close();
    this.file = undefined;
    const { disk } = this.host;
    const { path } = this;
    replaceFile(disk, `${path}.old`, bytes, (unkept) => {
      if (unkept !== null) return done(unkept, []);
      replaceFile(disk, path, bytes.slice(0, end), (unwritten) => {
        if (unwritten !== null) return done(unwritten, []);
        disk.open(path, "write", (error, file) => {
          this.file = file;
          this.end = end;
          done(error, error === null ? diffs : [], damage);
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

  /** Octets of its changes. */
  get size(): number {
    return this.end;
  }

  /** One change in the place of all. With an error they are as they were. */
  compact(diff: ZoneDiff, done: (error: Error | null) => void): void {
    const bytes = latin1Bytes(lineOf(diff));
    if (bytes.length >= this.end) return done(null);
    this.file?.close();
    this.file = undefined;
    const { disk } = this.host;
    replaceFile(disk, this.path, bytes, (unwritten) => {
      disk.open(this.path, "write", (unopened, file) => {
        this.file = file;
        if (unwritten === null) this.end = bytes.length;
        done(unwritten ?? unopened);
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

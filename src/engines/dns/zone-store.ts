/** A zone's file on a host's disk: the old one stays whole until the new one is there. RFC 1035 5. */
import type { ResourceRecord } from "../../codecs/dns/message.ts";
import { readZone, writeZone } from "../../codecs/dns/zonefile.ts";
import { DecodeError } from "../../codecs/errors.ts";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { Disk } from "../host.ts";
import { replaceFile } from "./whole-file.ts";
import { Zone, ZoneError } from "./zone.ts";

/** The zone of these records, or why it may not be served. */
export function zoneOf(name: string, records: () => Iterable<ResourceRecord>): Zone | string {
  try {
    return new Zone(name, records());
  } catch (error) {
    if (!(error instanceof ZoneError) && !(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

/** `done`: with undefined when there is no such file, with words when it holds no zone. */
function loadZoneFile(
  disk: Disk,
  path: string,
  name: string,
  done: (zone: Zone | string | undefined) => void,
): void {
  disk.open(path, "read", (error, file) => {
    if (error !== null || file === undefined)
      return done(error === null || error.code === "ENOENT" ? undefined : error.message);
    file.size((unsized, size = 0) => {
      file.read(0, size, (unread, bytes = new Uint8Array(0)) => {
        file.close();
        const fault = unsized ?? unread;
        if (fault !== null) done(fault.message);
        else done(zoneOf(name, () => readZone(latin1(bytes, 0, bytes.length), { origin: name })));
      });
    });
  });
}

/** One zone's file; what fails is told in words. */
export class ZoneFile {
  private readonly disk: Disk;
  private readonly path: string;
  private readonly failed: (why: string) => void;

  constructor(disk: Disk, path: string, failed: (why: string) => void) {
    this.disk = disk;
    this.path = path;
    this.failed = failed;
  }

  load(name: string, done: (zone: Zone | undefined) => void): void {
    loadZoneFile(this.disk, this.path, name, (zone) => {
      if (typeof zone === "string") this.failed(`${this.path}: ${zone}`);
      done(typeof zone === "string" ? undefined : zone);
    });
  }

  /** One at a time. `done` comes also when it could not be written. */
  save(zone: Zone, done: () => void): void {
    replaceFile(this.disk, this.path, latin1Bytes(writeZone(zone.records())), (error) => {
      if (error !== null) this.failed(`${this.path}: ${error.message}`);
      done();
    });
  }
}

/**
 * A store on disk that survives kill -9 and loss of power: a response is there once the file of its
 * metadata has its name, and that is given last. Heads are kept in memory, bodies are read. The
 * folder is locked: two programs would remove each other's unfinished files.
 */
import { createHash } from "node:crypto";
import type { Disk, DiskError, DiskFile } from "../../host.ts";
import { readHead, readWhole, sizeIs, writeHead, writeWhole } from "./disk-files.ts";
import type { StoredResponse } from "./entry.ts";
import { headBytes } from "./entry.ts";
import { joined } from "./memory-store.ts";
import type { BodyReader, Store } from "./store.ts";

interface Slot {
  readonly id: string;
  response: StoredResponse;
  readonly length: number;
  readonly checksum: string;
  bytes: number;
  /** Until it is on disk. */
  body: Uint8Array | undefined;
  /** The body on disk was compared with its checksum. */
  verified: boolean;
  readers: number;
  removed: boolean;
  writing: boolean;
  /** The metadata changed while they were written. */
  changed: boolean;
}

export interface DiskStoreOptions {
  readonly disk: Disk;
  readonly folder: string;
  /** Octets. */
  readonly limit: number;
  /** Not in use before: names of files begin with it. */
  readonly prefix: string;
  /** Another process may be using the folder: it is not locked, and nothing in it is removed. */
  readonly readOnly?: boolean;
  /** A response was not stored, or one that was cannot be read. */
  onTrouble?(error: Error): void;
}

const BODY_PART = 4;
const MAX_BODY = 64 * 1024 * 1024;
/** Octets that may wait to be written; past that nothing new is stored. */
const MAX_WAITING = 64 * 1024 * 1024;

export class DiskStore implements Store {
  readonly maxBody: number;
  bytes = 0;
  private readonly options: DiskStoreOptions;
  private readonly byKey = new Map<string, StoredResponse[]>();
  /** In the order of their last use. */
  private readonly slots = new Map<StoredResponse, Slot>();
  private waiting = 0;
  private named = 0;

  constructor(options: DiskStoreOptions) {
    this.options = options;
    this.maxBody = Math.min(MAX_BODY, Math.floor(options.limit / BODY_PART));
  }

  get count(): number {
    return this.slots.size;
  }

  /** Octets that are not on disk yet. */
  get unwritten(): number {
    return this.waiting;
  }

  /** Finds what an earlier run left, and removes what it did not finish. EBUSY: another has the folder. */
  start(done: (error: DiskError | null) => void): void {
    const { disk, folder, readOnly } = this.options;
    const list = () =>
      disk.list(folder, (error, names) => {
        if (error === null) this.load(names ?? [], done);
        else done(error);
      });
    if (readOnly === true) {
      list();
      return;
    }
    disk.makeFolder(folder, (failed) => {
      if (failed !== null) {
        done(failed);
        return;
      }
      disk.lock(folder, (locked) => {
        if (locked === null) list();
        else done(locked);
      });
    });
  }

  private load(names: readonly string[], done: (error: null) => void): void {
    const found: Slot[] = [];
    const metas = names.filter((name) => name.endsWith(".meta"));
    const known = new Set(metas.map((name) => name.slice(0, -".meta".length)));
    const rest = names.filter((name) => {
      const [, id = "", kind] = /^(.*)\.(body|meta|tmp)$/.exec(name) ?? [];
      return kind === "tmp" || (kind === "body" && !known.has(id));
    });
    const next = (): void => {
      const name = metas.pop();
      if (name !== undefined) {
        this.loadOne(name.slice(0, -".meta".length), (slot) => {
          if (slot !== undefined) found.push(slot);
          next();
        });
        return;
      }
      found.sort((a, b) => a.response.responseMs - b.response.responseMs);
      for (const slot of found) this.insert(slot);
      this.shrink();
      for (const orphan of rest) this.unlink(orphan);
      done(null);
    };
    next();
  }

  private loadOne(id: string, done: (slot: Slot | undefined) => void): void {
    const { disk } = this.options;
    const broken = () => {
      this.unlink(`${id}.meta`);
      this.unlink(`${id}.body`);
      done(undefined);
    };
    readWhole(disk, this.at(`${id}.meta`), (error, bytes) => {
      const head = error === null && bytes !== undefined ? readHead(bytes) : undefined;
      if (head === undefined) {
        broken();
        return;
      }
      sizeIs(disk, this.at(`${id}.body`), head.length, (fits) => {
        if (!fits) {
          broken();
          return;
        }
        const { response, length, checksum } = head;
        const bytes = headBytes(response) + length;
        done(slotOf(id, response, length, checksum, bytes, undefined));
      });
    });
  }

  private at(name: string): string {
    return `${this.options.folder}/${name}`;
  }

  /** All that is stored, what was not used for the longest time first. */
  all(): StoredResponse[] {
    return [...this.slots.keys()];
  }

  find(key: string): readonly StoredResponse[] {
    return this.byKey.get(key) ?? [];
  }

  put(
    response: StoredResponse,
    pieces: readonly Uint8Array[],
    instead: readonly StoredResponse[],
  ): void {
    for (const old of instead) this.remove(old);
    const body = joined(pieces);
    const bytes = headBytes(response) + body.length;
    if (bytes > this.options.limit || this.waiting + body.length > MAX_WAITING) return;
    const checksum = createHash("sha256").update(body).digest("hex");
    const id = `${this.options.prefix}-${(++this.named).toString(36)}`;
    const slot = slotOf(id, response, body.length, checksum, bytes, body);
    this.insert(slot);
    this.shrink();
    if (!slot.removed) this.write(slot, body);
  }

  private insert(slot: Slot): void {
    const { response } = slot;
    this.slots.set(response, slot);
    this.byKey.set(response.key, [...this.find(response.key), response]);
    this.bytes += slot.bytes;
  }

  private shrink(): void {
    for (const oldest of this.slots.keys()) {
      if (this.bytes <= this.options.limit) return;
      this.remove(oldest);
    }
  }

  private write(slot: Slot, body: Uint8Array): void {
    const { disk } = this.options;
    slot.writing = true;
    this.waiting += body.length;
    writeWhole(disk, this.at(`${slot.id}.body`), body, (error) => {
      this.waiting -= body.length;
      if (error === null) this.writeMeta(slot);
      else this.giveUp(slot, error);
    });
  }

  /** Its last step, a rename, is what makes the response stored, or changed. */
  private writeMeta(slot: Slot): void {
    const { disk } = this.options;
    slot.writing = true;
    slot.changed = false;
    if (slot.removed) {
      slot.writing = false;
      this.clean(slot);
      return;
    }
    const temporary = this.at(`${slot.id}.tmp`);
    writeWhole(disk, temporary, writeHead(slot), (error) => {
      if (error !== null) {
        this.giveUp(slot, error);
        return;
      }
      disk.rename(temporary, this.at(`${slot.id}.meta`), (failed) => {
        if (failed !== null) {
          this.giveUp(slot, failed);
          return;
        }
        slot.body = undefined;
        slot.writing = false;
        if (slot.removed) this.clean(slot);
        else if (slot.changed) this.writeMeta(slot);
      });
    });
  }

  private giveUp(slot: Slot, error: Error): void {
    slot.writing = false;
    this.remove(slot.response);
    this.clean(slot);
    this.unlink(`${slot.id}.tmp`);
    this.options.onTrouble?.(error);
  }

  update(stored: StoredResponse, changed: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    const bytes = slot.bytes - headBytes(stored) + headBytes(changed);
    this.slots.delete(stored);
    this.slots.set(changed, slot);
    slot.response = changed;
    this.bytes += bytes - slot.bytes;
    slot.bytes = bytes;
    this.byKey.set(
      stored.key,
      this.find(stored.key).map((one) => (one === stored ? changed : one)),
    );
    if (slot.writing) slot.changed = true;
    else this.writeMeta(slot);
    this.shrink();
  }

  remove(stored: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    this.slots.delete(stored);
    this.bytes -= slot.bytes;
    const left = this.find(stored.key).filter((one) => one !== stored);
    if (left.length === 0) this.byKey.delete(stored.key);
    else this.byKey.set(stored.key, left);
    slot.removed = true;
    this.clean(slot);
  }

  /** The files of one that is gone; not while they are read or written. */
  private clean(slot: Slot): void {
    if (slot.readers > 0 || slot.writing) return;
    // The metadata first: a body without them is nothing.
    this.unlink(`${slot.id}.meta`);
    this.unlink(`${slot.id}.body`);
  }

  private unlink(name: string): void {
    if (this.options.readOnly === true) return;
    this.options.disk.remove(this.at(name), (error) => {
      if (error !== null && error.code !== "ENOENT") this.options.onTrouble?.(error);
    });
  }

  open(stored: StoredResponse): BodyReader | undefined {
    const slot = this.slots.get(stored);
    if (slot === undefined) return undefined;
    const { body } = slot;
    if (body !== undefined) {
      return {
        read: (at, length, done) => done(null, body.subarray(at, at + length)),
        close: () => {},
      };
    }
    return this.reader(slot);
  }

  private reader(slot: Slot): BodyReader {
    const { disk } = this.options;
    const hash = slot.verified ? undefined : createHash("sha256");
    let hashed = 0;
    let file: DiskFile | undefined;
    let closed = false;
    slot.readers++;
    const read = (
      from: DiskFile,
      at: number,
      length: number,
      done: (error: Error | null, bytes?: Uint8Array) => void,
    ) =>
      from.read(at, length, (error, bytes) => {
        if (closed) return;
        if (error !== null || bytes === undefined) {
          this.lose(slot, error ?? new Error("nothing read"));
          done(error ?? new Error("nothing read"));
          return;
        }
        if (hash !== undefined && at === hashed) {
          hash.update(bytes);
          hashed += bytes.length;
          // The last octets are held back when the whole is not what was written.
          if (hashed === slot.length) {
            slot.verified = hash.digest("hex") === slot.checksum;
            if (!slot.verified) {
              const damaged = new Error(`${slot.id}.body: damaged on disk`);
              this.lose(slot, damaged);
              done(damaged);
              return;
            }
          }
        }
        done(null, bytes);
      });
    return {
      read: (at, length, done) => {
        if (file !== undefined) {
          read(file, at, length, done);
          return;
        }
        disk.open(this.at(`${slot.id}.body`), "read", (error, opened) => {
          if (closed) {
            opened?.close();
            return;
          }
          if (error !== null || opened === undefined) {
            this.lose(slot, error ?? new Error("not opened"));
            done(error ?? new Error("not opened"));
            return;
          }
          file = opened;
          read(opened, at, length, done);
        });
      },
      close: () => {
        if (closed) return;
        closed = true;
        file?.close();
        slot.readers--;
        if (slot.removed) this.clean(slot);
      },
    };
  }

  private lose(slot: Slot, error: Error): void {
    this.remove(slot.response);
    this.options.onTrouble?.(error);
  }

  atHand(): undefined {
    return undefined;
  }

  touch(stored: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    this.slots.delete(stored);
    this.slots.set(stored, slot);
  }
}

function slotOf(
  id: string,
  response: StoredResponse,
  length: number,
  checksum: string,
  bytes: number,
  body: Uint8Array | undefined,
): Slot {
  return {
    id,
    response,
    length,
    checksum,
    bytes,
    body,
    verified: false,
    readers: 0,
    removed: false,
    writing: false,
    changed: false,
  };
}

/**
 * A body on its way to a file: `.part` until it is whole, with the validator of what is in it beside
 * it, so that a later run can go on (RFC 9110 13.1.5, 14). Devices and pipes are written to as it comes.
 */
import {
  closeSync,
  existsSync,
  fchmodSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import type { Field } from "../../codecs/http/message.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import { parseHttpDate } from "../../engines/http/date.ts";
import { field } from "../../engines/http/fields.ts";
import { parseContentRange } from "../../engines/http/ranges.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { Checksum } from "./checksum.ts";
import { verifyFile } from "./checksum.ts";
import type { Target } from "./target.ts";
import { targetOf } from "./target.ts";

const MAX_VALIDATOR = 1000;

/** Where a run goes on, by what is on disk. */
export interface Resume {
  readonly at: number;
  /** For If-Range; undefined where nobody knows what the part is of. */
  readonly validator: string | undefined;
  /** It is the file itself that is there, and no part. */
  readonly whole?: boolean;
}

export class PartFile {
  readonly path: string;
  private readonly target: Target;
  private readonly resume: Resume | undefined;
  private fd: number | undefined = undefined;
  private at = 0;
  /** Octets of the whole, as a part of it tells. */
  private size: number | undefined = undefined;
  /** The file was there, whole, as the server says. */
  private whole = false;

  constructor(path: string, resume: Resume | undefined) {
    this.path = path;
    this.target = targetOf(path);
    this.resume = resume;
  }

  /** Undefined where there is none. */
  get part(): string | undefined {
    return this.target.special ? undefined : `${this.target.path}.part`;
  }

  /** A response begins, or begins anew. @throws CommandError */
  begin(head: IncomingHead): void {
    this.close();
    const { resume, part } = this;
    const { statusCode, fields } = head;
    if (resume !== undefined && resume.at > 0 && statusCode !== 200) {
      if (statusCode === 206) this.goOn(head, resume);
      else if (statusCode === 416) this.isWhole(fields, resume.at);
      // What is no part of the body does not go into the part.
      return;
    }
    if (this.target.stream && this.at > 0) {
      const why = "the body begins anew, and a part of it is written";
      throw new CommandError(`${this.path}: ${why}`, EXIT.network);
    }
    this.fd = this.open(part ?? this.target.path, "w");
    this.at = 0;
    if (part === undefined) return;
    const validator = strongValidator(fields);
    if (statusCode === 200 && validator !== undefined) {
      writeFileSync(`${part}.validator`, `${validator}\n`);
    } else rmSync(`${part}.validator`, { force: true });
  }

  /** RFC 9110 15.5.17: nothing follows; whether because all is here the size tells. */
  private isWhole(fields: readonly Field[], at: number): void {
    const size = sizeOf(fields);
    if (size !== at) {
      const of = size === undefined ? "" : `, which has ${size}`;
      const why = `${at} octets are here, and the server has no more of it${of} (416)`;
      throw new CommandError(`${this.path}: ${why}`, EXIT.input);
    }
    this.whole = true;
  }

  private goOn(head: IncomingHead, { at, whole }: Resume): void {
    const told = parseContentRange(field(head.fields, "content-range") ?? "");
    const range = told?.range;
    if (range?.first !== at) {
      throw new CommandError(
        `${this.path}: octets from ${at} were asked for, and the server sent ${range === undefined ? "others" : `those from ${range.first}`}`,
        EXIT.input,
      );
    }
    const part = this.part as string;
    if (whole === true && existsSync(this.target.path)) renameSync(this.target.path, part);
    this.fd = this.open(part, existsSync(part) ? "r+" : "w");
    this.at = at;
    this.size = told?.size;
  }

  write(bytes: Uint8Array): void {
    if (this.fd === undefined) return;
    writeAll(this.fd, bytes, this.path, this.target.special ? undefined : this.at);
    this.at += bytes.length;
  }

  /** @throws CommandError when it is not what it should be. */
  verify(checksum: Checksum): void {
    const { part } = this;
    if (part === undefined)
      throw new CommandError(`--checksum reads the file again, and ${this.path} is none`);
    if (this.fd !== undefined) verifyFile(part, checksum);
    else if (this.whole) verifyFile(existsSync(part) ? part : this.target.path, checksum);
  }

  /** @throws CommandError when it is not whole. */
  end(): void {
    const { part, size, at } = this;
    const began = this.fd !== undefined;
    this.close();
    if (part === undefined || (!began && !this.whole)) return;
    // RFC 9110 15.3.7: a server may send less than was asked for.
    if (began && size !== undefined && at !== size) {
      const why = `${at} of ${size} octets are here, the server sent no more; --continue-at - goes on there`;
      throw new CommandError(`${part}: ${why}`, EXIT.network);
    }
    if (existsSync(part)) renameSync(part, this.target.path);
    rmSync(`${part}.validator`, { force: true });
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private open(path: string, how: string): number {
    try {
      const { mode } = this.target;
      const fd = openSync(path, how, mode ?? 0o666);
      if (mode !== undefined) fchmodSync(fd, mode);
      return fd;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CommandError(`${this.path}: cannot be written (${code})`, EXIT.input);
    }
  }
}

/** What is there of a file; a whole one is taken for a part that may lack its end, as curl does. */
export function partOnDisk(path: string): Resume {
  const target = targetOf(path);
  const part = `${target.path}.part`;
  if (target.special) return { at: 0, validator: undefined };
  if (!existsSync(part)) {
    const size = statSync(target.path, { throwIfNoEntry: false })?.size ?? 0;
    return { at: size, validator: undefined, whole: true };
  }
  let validator: string | undefined;
  try {
    const text = readFileSync(`${part}.validator`, "latin1").trim();
    if (text.length <= MAX_VALIDATOR && /^[\x20-\x7e\x80-\xff]+$/.test(text)) validator = text;
  } catch {
    validator = undefined; // A part that another program left has none.
  }
  return { at: statSync(part).size, validator };
}

/** RFC 9110 13.1.5: If-Range takes a strong entity tag, or a date that was a second old at least. */
function strongValidator(fields: readonly Field[]): string | undefined {
  const etag = field(fields, "etag");
  if (etag !== undefined) return etag.startsWith('"') ? etag : undefined;
  const modified = field(fields, "last-modified");
  const date = parseHttpDate(field(fields, "date") ?? "", 0);
  const changed = parseHttpDate(modified ?? "", 0);
  if (date === undefined || changed === undefined || date - changed < 1000) return undefined;
  return modified;
}

/** The size that a 416 tells. RFC 9110 15.5.17 */
function sizeOf(fields: readonly Field[]): number | undefined {
  const told = /^bytes \*\/([0-9]{1,15})$/i.exec(field(fields, "content-range") ?? "");
  return told === null ? undefined : Number(told[1]);
}

/** @throws CommandError */
export function writeAll(fd: number, bytes: Uint8Array, where: string, position?: number): void {
  let done = 0;
  while (done < bytes.length) {
    try {
      const at = position === undefined ? null : position + done;
      done += writeSync(fd, bytes, done, bytes.length - done, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") continue;
      throw new CommandError(`${where}: the body cannot be written (${code})`, EXIT.input);
    }
  }
}

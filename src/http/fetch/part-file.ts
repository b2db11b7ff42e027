/**
 * A body on its way to a file: `.part` until it is whole, with the validator of what is in it beside
 * it, so that a later run can go on (RFC 9110 13.1.5, 14). Devices and pipes are written to as it comes.
 */
import {
  closeSync,
  existsSync,
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
import { replaceable } from "../../net/live/replaceable.ts";
import type { Checksum } from "./checksum.ts";
import { verifyFile } from "./checksum.ts";

const MAX_VALIDATOR = 1000;

/** Where a run goes on, by what is on disk. */
export interface Resume {
  readonly at: number;
  /** For If-Range; undefined where nobody knows what the part is of. */
  readonly validator: string | undefined;
}

export class PartFile {
  readonly path: string;
  /** The file that is replaced once all is there; undefined for a device or a pipe. */
  private readonly target: string | undefined;
  private readonly resume: Resume | undefined;
  private fd: number | undefined = undefined;
  private at = 0;
  /** The file was there, whole, as the server says. */
  private whole = false;

  constructor(path: string, resume: Resume | undefined) {
    this.path = path;
    this.target = replaceable(path);
    this.resume = resume;
  }

  /** Where what came is kept; undefined where it is not. */
  get part(): string | undefined {
    return this.target === undefined ? undefined : `${this.target}.part`;
  }

  /** A response begins, or begins anew. @throws CommandError */
  begin(head: IncomingHead): void {
    this.close();
    const { resume } = this;
    const { statusCode, fields } = head;
    if (resume !== undefined && resume.at > 0 && statusCode !== 200) {
      if (statusCode === 206) this.goOn(head, resume.at);
      else if (statusCode === 416 && sizeOf(fields) === resume.at) this.whole = true;
      // What is no part of the body does not go into the part.
      return;
    }
    const { part } = this;
    if (part === undefined && this.at > 0) {
      throw new CommandError(
        `${this.path}: the body begins anew, and a part of it is written`,
        EXIT.network,
      );
    }
    this.fd = this.open("w");
    this.at = 0;
    if (part === undefined) return;
    const validator = strongValidator(fields);
    if (statusCode === 200 && validator !== undefined) {
      writeFileSync(`${part}.validator`, `${validator}\n`);
    } else rmSync(`${part}.validator`, { force: true });
  }

  private goOn(head: IncomingHead, at: number): void {
    const range = parseContentRange(field(head.fields, "content-range") ?? "")?.range;
    if (range?.first !== at) {
      throw new CommandError(
        `${this.path}: octets from ${at} were asked for, and the server sent ${range === undefined ? "others" : `those from ${range.first}`}`,
        EXIT.input,
      );
    }
    this.fd = this.open(this.part !== undefined && existsSync(this.part) ? "r+" : "w");
    this.at = at;
  }

  write(bytes: Uint8Array): void {
    if (this.fd === undefined) return;
    writeAll(this.fd, bytes, this.path, this.target === undefined ? undefined : this.at);
    this.at += bytes.length;
  }

  /** @throws CommandError when it is not what it should be. */
  verify(checksum: Checksum): void {
    if (this.part === undefined) {
      throw new CommandError(`${this.path}: --checksum is of a file`, EXIT.usage);
    }
    if (this.fd !== undefined || this.whole) verifyFile(this.part, checksum);
  }

  end(): void {
    const began = this.fd !== undefined;
    this.close();
    if (this.target === undefined || this.part === undefined || (!began && !this.whole)) return;
    renameSync(this.part, this.target);
    rmSync(`${this.part}.validator`, { force: true });
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private open(mode: string): number {
    try {
      return openSync(this.part ?? this.path, mode);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CommandError(`${this.path}: cannot be written (${code})`, EXIT.input);
    }
  }
}

/** What is there of a file; a whole one is taken for a part that may lack its end, as curl does. */
export function partOnDisk(path: string): Resume {
  const target = replaceable(path);
  if (target === undefined) return { at: 0, validator: undefined };
  const part = `${target}.part`;
  if (!existsSync(part) && existsSync(target)) renameSync(target, part);
  if (!existsSync(part)) return { at: 0, validator: undefined };
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

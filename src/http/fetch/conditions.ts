/** `--etag-save`, `--etag-compare`, `--time-cond`: only what changed. RFC 9110 13.1. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import type { Field } from "../../codecs/http/message.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import { httpDate } from "../../engines/http/date.ts";
import { field } from "../../engines/http/fields.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { fileBytes } from "./files.ts";
import type { FetchFlags } from "./flags.ts";

const ETAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** @throws CommandError */
export function conditionsOf(flags: FetchFlags): Field[] {
  const fields: Field[] = [];
  const compare = flags["etag-compare"];
  // A file that is not there yet is no condition: the first run fills it.
  if (compare !== undefined && existsSync(compare)) {
    const etag = Buffer.from(fileBytes(compare)).toString("latin1").trim();
    if (etag !== "" && !ETAG.test(etag)) {
      throw new CommandError(`${compare}: not an entity tag (RFC 9110 8.8.3)`, EXIT.input);
    }
    if (etag !== "") fields.push({ name: "If-None-Match", value: etag });
  }
  const time = flags["time-cond"];
  if (time !== undefined) fields.push(timeCondition(time));
  return fields;
}

/** A date, or a file whose own date counts; with `-` before it what did not change since. */
function timeCondition(text: string): Field {
  const older = text.startsWith("-");
  const what = older ? text.slice(1) : text;
  const stat = statSync(what, { throwIfNoEntry: false });
  const ms = stat === undefined ? Date.parse(what) : stat.mtimeMs;
  if (Number.isNaN(ms)) throw new CommandError(`--time-cond ${text}: no file, and not a date`);
  return { name: older ? "If-Unmodified-Since" : "If-Modified-Since", value: httpDate(ms) };
}

export function saveEtag(path: string, head: IncomingHead): void {
  const etag = field(head.fields, "etag");
  // RFC 9110 15.4.5: a 304 tells the one that is known.
  if (head.statusCode >= 400) return;
  try {
    writeFileSync(path, etag === undefined ? "" : `${etag}\n`, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be written (${code})`, EXIT.input);
  }
}

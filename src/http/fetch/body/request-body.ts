/** The body that the flags ask for, with the method and fields that go with it. */
import { basename } from "node:path";
import type { Field } from "../../../codecs/http/message.ts";
import { utf8Bytes } from "../../../codecs/writer.ts";
import type { BodySource } from "../../../engines/http/client-connection.ts";
import { CommandError } from "../../../failure.ts";
import { fileBytes } from "../files.ts";
import type { FetchFlags } from "../flags.ts";
import { formOf } from "./form.ts";
import { filePiece, PiecesSource, StdinSource } from "./pieces.ts";

export interface RequestBody {
  readonly method: "POST" | "PUT";
  readonly body: Uint8Array | BodySource;
  readonly fields: readonly Field[];
}

/** Undefined: no body. @throws CommandError */
export function requestBody(flags: FetchFlags): RequestBody | undefined {
  const file = flags["upload-file"];
  const form = flags.form ?? [];
  const data = dataOf(flags);
  const json = flags["json-data"] ?? [];
  const given = [
    file !== undefined,
    form.length > 0,
    data !== undefined && !flags.get,
    json.length > 0,
  ];
  if (given.filter((one) => one).length > 1) {
    throw new CommandError("--upload-file, --form, --data and --json-data: one body, please");
  }
  if (file !== undefined) {
    const body = file === "-" ? new StdinSource() : new PiecesSource([filePiece(file)]);
    return { method: "PUT", body, fields: [] };
  }
  if (form.length > 0) {
    const { pieces, contentType } = formOf(form, boundary());
    const fields = [{ name: "Content-Type", value: contentType }];
    return { method: "POST", body: new PiecesSource(pieces), fields };
  }
  if (json.length > 0) {
    const fields = [
      { name: "Content-Type", value: "application/json" },
      { name: "Accept", value: "application/json" },
    ];
    return {
      method: "POST",
      body: joined(
        json.map((text) => plain(text, false)),
        "",
      ),
      fields,
    };
  }
  if (data === undefined || flags.get) return undefined;
  const fields = [{ name: "Content-Type", value: "application/x-www-form-urlencoded" }];
  return { method: "POST", body: data, fields };
}

/** `--get`: what `--data` says belongs to the query. */
export function queryOf(flags: FetchFlags): string | undefined {
  if (!flags.get) return undefined;
  const data = dataOf(flags);
  if (data === undefined) return undefined;
  // What no URI holds is encoded; what the user encoded stays.
  return Buffer.from(data)
    .toString("latin1")
    .replace(/[^\x21-\x7e]|#/g, (c) => percent(c.charCodeAt(0)));
}

/** Where `--upload-file` goes to a folder, its name is added. */
export function uploadName(flags: FetchFlags): string {
  const file = flags["upload-file"];
  return file === undefined || file === "-" ? "" : encodeURIComponent(basename(file));
}

function dataOf(flags: FetchFlags): Uint8Array | undefined {
  const parts = [
    ...(flags.data ?? []).map((text) => plain(text, true)),
    ...(flags["data-binary"] ?? []).map((text) => plain(text, false)),
    ...(flags["data-raw"] ?? []).map((text) => utf8Bytes(text)),
    ...(flags["data-urlencode"] ?? []).map(urlEncoded),
  ];
  return parts.length === 0 ? undefined : joined(parts, "&");
}

/** `@FILE` is its content; `--data` leaves line ends out, as curl does. */
function plain(text: string, oneLine: boolean): Uint8Array {
  if (!text.startsWith("@")) return utf8Bytes(text);
  const bytes = fileBytes(text.slice(1));
  return oneLine ? bytes.filter((byte) => byte !== 10 && byte !== 13 && byte !== 0) : bytes;
}

/** `content`, `=content`, `name=content`, `@file`, `name@file`, as curl has it. */
function urlEncoded(text: string): Uint8Array {
  const at = text.search(/[=@]/);
  const name = at <= 0 ? "" : `${text.slice(0, at)}=`;
  const content =
    at < 0
      ? utf8Bytes(text)
      : text[at] === "@"
        ? fileBytes(text.slice(at + 1))
        : utf8Bytes(text.slice(at + 1));
  let encoded = name;
  for (const byte of content) {
    const c = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9._~-]/.test(c) ? c : percent(byte);
  }
  return utf8Bytes(encoded);
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function joined(parts: readonly Uint8Array[], separator: string): Uint8Array {
  const between = Buffer.from(separator);
  const pieces = parts.flatMap((part, i) => (i === 0 ? [part] : [between, part]));
  return new Uint8Array(Buffer.concat(pieces));
}

function boundary(): string {
  return `netkit${Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString("hex")}`;
}

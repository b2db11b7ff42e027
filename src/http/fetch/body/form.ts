/** `--form`: multipart/form-data. RFC 7578; names and file names written as the HTML Standard does. */
import { basename } from "node:path";
import { utf8Bytes } from "../../../codecs/writer.ts";
import { CommandError } from "../../../failure.ts";
import { fileBytes } from "../files.ts";
import type { Piece } from "./pieces.ts";
import { filePiece } from "./pieces.ts";
import { extensionType } from "./types.ts";

export interface Form {
  readonly pieces: readonly Piece[];
  readonly contentType: string;
}

interface Part {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly type: string | undefined;
  readonly body: Piece;
}

/** `boundary`: letters and digits that no part holds. @throws CommandError */
export function formOf(entries: readonly string[], boundary: string): Form {
  const pieces: Piece[] = [];
  for (const entry of entries) {
    const { name, fileName, type, body } = partOf(entry);
    const told = fileName === undefined ? "" : `; filename="${escaped(fileName)}"`;
    const lines = [
      `--${boundary}`,
      `Content-Disposition: form-data; name="${escaped(name)}"${told}`,
      ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ];
    pieces.push(utf8Bytes(`${lines.join("\r\n")}\r\n\r\n`), body, utf8Bytes("\r\n"));
  }
  pieces.push(utf8Bytes(`--${boundary}--\r\n`));
  return { pieces, contentType: `multipart/form-data; boundary=${boundary}` };
}

/** `name=text`, `name=@file`, `name=<file`; after a file or text `;type=T` and `;filename=N`. */
function partOf(entry: string): Part {
  const at = entry.indexOf("=");
  if (at <= 0) throw new CommandError(`--form ${entry}: write it as NAME=TEXT or NAME=@FILE`);
  const name = entry.slice(0, at);
  const [content, ...options] = entry.slice(at + 1).split(";");
  let type: string | undefined;
  let fileName: string | undefined;
  let text = content as string;
  for (const option of options) {
    const [, key, value] = /^\s*(type|filename)=(.*)$/s.exec(option) ?? [];
    if (key === "type") type = typeOf(entry, value ?? "");
    else if (key === "filename") fileName = (value ?? "").replace(/^"(.*)"$/s, "$1");
    else text += `;${option}`;
  }
  if (text.startsWith("@")) {
    const path = text.slice(1);
    return {
      name,
      fileName: fileName ?? (path === "-" ? "-" : basename(path)),
      type: type ?? extensionType(path),
      body: path === "-" ? fileBytes("-") : filePiece(path),
    };
  }
  const body = text.startsWith("<") ? fileBytes(text.slice(1)) : utf8Bytes(text);
  return { name, fileName, type, body };
}

function typeOf(entry: string, type: string): string {
  if (/^[\x21-\x7e][\x20-\x7e]*$/.test(type)) return type;
  throw new CommandError(`--form ${JSON.stringify(entry)}: the type is no media type`);
}

/** What would end the quoted name, or the line, is percent-encoded: no part can be smuggled in. */
function escaped(name: string): string {
  return name.replace(
    /["\r\n]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** The lexical level of master files: words, quoted strings, comments, parentheses. RFC 1035 5.1. */
import { DecodeError } from "../errors.ts";

export interface Token {
  /** As written, escapes and inner quotes kept, outer quotes taken off. One code point an octet. */
  readonly text: string;
  readonly quoted: boolean;
  /** Index of its first character. */
  readonly at: number;
}

/** One entry: a line, or several in parentheses. */
export interface Entry {
  readonly tokens: readonly Token[];
  /** It begins with a blank: the owner is the one before. */
  readonly indented: boolean;
  readonly line: number;
}

export function zoneError(code: string, at: number, line: number, message: string): DecodeError {
  return new DecodeError(`dns.zone.${code}`, at, "RFC 1035 5.1", `line ${line}: ${message}`);
}

/** Entries one by one, so that a zone of any size takes the memory of one. */
export function* entries(text: string): Generator<Entry> {
  let tokens: Token[] = [];
  let line = 1;
  let first = 1;
  let depth = 0;
  let openAt = 0;
  let openLine = 1;
  let indented = false;
  let fresh = true;
  let i = 0;
  while (i < text.length) {
    const c = text[i] as string;
    if (c === "\n") {
      line++;
      i++;
      if (depth > 0) continue;
      if (tokens.length > 0) yield { tokens, indented, line: first };
      tokens = [];
      fresh = true;
    } else if (c === " " || c === "\t" || c === "\r" || c === "\f") {
      if (fresh && c !== "\r") indented = true;
      fresh = false;
      i++;
    } else if (c === ";") {
      while (i < text.length && text[i] !== "\n") i++;
    } else if (c === "(" || c === ")") {
      if (c === "(" && depth === 0) [openAt, openLine] = [i, line];
      depth += c === "(" ? 1 : -1;
      if (depth < 0)
        throw zoneError("parenthesis", i, line, "a parenthesis closes that was not opened");
      if (fresh) indented = true;
      fresh = false;
      i++;
    } else {
      if (tokens.length === 0) {
        first = line;
        if (fresh) indented = false;
      }
      fresh = false;
      const end = c === '"' ? quotedEnd(text, i, line) : wordEnd(text, i, line);
      tokens.push(
        c === '"'
          ? { text: text.slice(i + 1, end - 1), quoted: true, at: i }
          : { text: text.slice(i, end), quoted: false, at: i },
      );
      for (let j = i; j < end; j++) if (text[j] === "\n") line++;
      i = end;
    }
    if (fresh) indented = false;
  }
  if (depth > 0) throw zoneError("parenthesis", openAt, openLine, "a parenthesis is never closed");
  if (tokens.length > 0) yield { tokens, indented, line: first };
}

/** Index after the closing quote. */
function quotedEnd(text: string, from: number, line: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  throw zoneError("quote", from, line, "a quoted string has no end");
}

/** A word; quotes may open inside it, as in `alpn="h2,h3"`. */
function wordEnd(text: string, from: number, line: number): number {
  let i = from;
  while (i < text.length && !" \t\r\n;()\f".includes(text[i] as string)) {
    if (text[i] === "\\") i += 2;
    else if (text[i] === '"') i = quotedEnd(text, i, line);
    else i++;
  }
  return Math.min(i, text.length);
}

/** Octets that escaped text stands for, one code point an octet; undefined for a wrong escape. */
export function unescaped(text: string): string | undefined {
  if (!text.includes("\\")) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\") {
      out += text[i];
      continue;
    }
    const digits = text.slice(i + 1, i + 4);
    if (/^[0-9]{3}$/.test(digits)) {
      if (Number(digits) > 255) return undefined;
      out += String.fromCharCode(Number(digits));
      i += 3;
    } else if (i + 1 < text.length && !/[0-9]/.test(text[i + 1] as string)) {
      out += text[++i];
    } else {
      return undefined;
    }
  }
  return out;
}

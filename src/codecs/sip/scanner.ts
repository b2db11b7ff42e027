/** Reads the lexical elements of a header field value. RFC 3261 25.1. */
import { DecodeError } from "../errors.ts";

/** token, host and URI characters by code; all else has no bit. */
const CLASS = new Uint8Array(128);
const TOKEN = 1;
const WORD = 2;
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  CLASS[c.charCodeAt(0)] = TOKEN | WORD;
}
for (const c of '()<>:\\"/[]?{}') CLASS[c.charCodeAt(0)] = WORD;

export function isToken(text: string): boolean {
  return allOf(text, TOKEN);
}

/** RFC 3261 25.1 `word`: the parts of a Call-ID. */
export function isWord(text: string): boolean {
  return allOf(text, WORD);
}

function allOf(text: string, bit: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || ((CLASS[code] as number) & bit) === 0) return false;
  }
  return text.length > 0;
}

/** A set of ASCII characters, for `stopAt`. */
export function stops(characters: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const c of characters) table[c.charCodeAt(0)] = 1;
  return table;
}

/** Index of the first character of the set at or after `from`, or the length of the text. */
export function stopAt(text: string, from: number, set: Uint8Array): number {
  let at = from;
  while (at < text.length && set[text.charCodeAt(at)] !== 1) at++;
  return at;
}

export interface Param {
  readonly name: string;
  /** As sent: a quoted string keeps its quotes. Absent without `=`. */
  readonly value?: string;
}

export class Scanner {
  readonly text: string;
  at = 0;
  private readonly code: string;

  /** `code`: the errors' own, e.g. `sip.via.syntax`. */
  constructor(text: string, code: string) {
    this.text = text;
    this.code = code;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  fail(message: string, at: number = this.at): never {
    throw new DecodeError(this.code, at, "RFC 3261 25.1", message);
  }

  /** SWS: unfolded, so blanks only. */
  blanks(): void {
    const { text } = this;
    let { at } = this;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x09) break;
      at++;
    }
    this.at = at;
  }

  is(character: string): boolean {
    return this.at < this.text.length && this.text.charCodeAt(this.at) === character.charCodeAt(0);
  }

  /** SWS character SWS. Returns whether it was there; passes nothing if not. */
  separator(character: string): boolean {
    const from = this.at;
    this.blanks();
    if (!this.is(character)) {
      this.at = from;
      return false;
    }
    this.at++;
    this.blanks();
    return true;
  }

  token(what: string): string {
    const { text } = this;
    const from = this.at;
    let { at } = this;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code > 127 || ((CLASS[code] as number) & TOKEN) === 0) break;
      at++;
    }
    if (at === from) this.fail(`${what} is missing or no token`);
    this.at = at;
    return text.slice(from, at);
  }

  /** A quoted string with its quotes. */
  quoted(): string {
    const { text } = this;
    const from = this.at;
    let at = from + 1;
    for (; at < text.length; at++) {
      const c = text[at];
      if (c === "\\") {
        at++;
      } else if (c === '"') {
        this.at = at + 1;
        return text.slice(from, at + 1);
      }
    }
    this.fail("a quoted string has no end", from);
  }

  /** `*( SEMI name [ EQUAL value ] )`; a value is a token, host or quoted string. */
  params(): Param[] {
    const params: Param[] = [];
    while (this.separator(";")) {
      const name = this.token("a parameter's name");
      if (!this.separator("=")) {
        params.push({ name });
        continue;
      }
      params.push({ name, value: this.is('"') ? this.quoted() : this.plainValue() });
    }
    return params;
  }

  /** gen-value: token or host; an IPv6 address may stand without brackets (RFC 5118 4.5). */
  private plainValue(): string {
    const { text } = this;
    const from = this.at;
    let { at } = this;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      const part = code < 128 && ((CLASS[code] as number) & TOKEN) !== 0;
      if (!part && code !== 0x3a && code !== 0x5b && code !== 0x5d) break;
      at++;
    }
    if (at === from) this.fail("a parameter's value is missing or no token");
    this.at = at;
    return text.slice(from, at);
  }

  /** Nothing but blanks may be left. */
  end(): void {
    this.blanks();
    if (!this.ended) this.fail("something follows the value");
  }
}

/** Text of a parameter's value or display name: quotes and backslashes taken off. */
export function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  return value.slice(1, -1).replace(/\\([\s\S])/g, "$1");
}

/** The reverse: RFC 3261 25.1 quoted-string. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** The value of a parameter, by name in any case; an empty string for one without value. */
export function paramValue(params: readonly Param[], name: string): string | undefined {
  for (const param of params) {
    if (param.name.length === name.length && param.name.toLowerCase() === name) {
      return param.value === undefined ? "" : param.value;
    }
  }
  return undefined;
}

export function formatParams(params: readonly Param[]): string {
  return params
    .map((p) => (p.value === undefined ? `;${p.name}` : `;${p.name}=${p.value}`))
    .join("");
}

/** Challenges of WWW-Authenticate and Proxy-Authenticate. RFC 9110 11.2, 11.3. */
import type { Field } from "../../../codecs/http/message.ts";
import { allOf } from "../fields.ts";

export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case, quoted values without their quotes. */
  readonly params: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const BLANKS = /[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
/** More challenges than that nobody sends. */
const MAX_CHALLENGES = 32;

/** All challenges of the fields with this name (lower case); what cannot be read ends the field. */
export function challenges(fields: readonly Field[], name: string): Challenge[] {
  const found: Challenge[] = [];
  for (const value of allOf(fields, name)) {
    for (const one of challengesIn(value)) if (found.length < MAX_CHALLENGES) found.push(one);
  }
  return found;
}

class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match[0];
  }

  /** Commas and blanks. */
  separators(): void {
    this.take(BLANKS);
    while (this.text[this.at] === ",") {
      this.at++;
      this.take(BLANKS);
    }
  }

  /** A parameter, or undefined with nothing taken. */
  param(): readonly [string, string] | undefined {
    const from = this.at;
    const name = this.take(TOKEN);
    this.take(BLANKS);
    if (name === undefined || this.text[this.at] !== "=") {
      this.at = from;
      return undefined;
    }
    this.at++;
    this.take(BLANKS);
    const value = this.text[this.at] === '"' ? this.quoted() : this.take(TOKEN);
    if (value === undefined) {
      this.at = from;
      return undefined;
    }
    return [name.toLowerCase(), value];
  }

  private quoted(): string | undefined {
    let value = "";
    for (let i = this.at + 1; i < this.text.length; i++) {
      let c = this.text[i] as string;
      if (c === '"') {
        this.at = i + 1;
        return value;
      }
      if (c === "\\") c = this.text[++i] ?? "";
      value += c;
    }
    return undefined;
  }
}

function challengesIn(value: string): Challenge[] {
  const cursor = new Cursor(value);
  const found: Challenge[] = [];
  for (;;) {
    cursor.separators();
    const scheme = cursor.take(TOKEN);
    if (scheme === undefined) return found;
    const params = new Map<string, string>();
    found.push({ scheme: scheme.toLowerCase(), params });
    if (cursor.text[cursor.at] !== " ") continue;
    cursor.take(BLANKS);
    if (cursor.take(TOKEN68) !== undefined) continue;
    for (;;) {
      const param = cursor.param();
      if (param === undefined) break;
      if (!params.has(param[0])) params.set(param[0], param[1]);
      const before = cursor.at;
      cursor.separators();
      if (cursor.at === before) break;
    }
  }
}

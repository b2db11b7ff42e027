/** Structured field values: dictionaries read strictly, items written. RFC 9651. */

export type BareItem =
  | { readonly type: "integer" | "decimal" | "date"; readonly value: number }
  | { readonly type: "string" | "token" | "bytes" | "display"; readonly value: string }
  | { readonly type: "boolean"; readonly value: boolean };

export type Member =
  | BareItem
  | { readonly type: "inner-list"; readonly value: readonly BareItem[] };

/** What makes the whole field invalid (RFC 9651 4.2). */
class Malformed extends Error {}

/** Members of a Dictionary, the last of each key; undefined for a field that is none. RFC 9651 4.2.2 */
export function parseDictionary(text: string): ReadonlyMap<string, Member> | undefined {
  try {
    return new Parser(text).dictionary();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** RFC 9651 4.1.6; undefined for what no String holds. */
export function serializeString(text: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : undefined;
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y;
const BYTES = /:([A-Za-z0-9+/=]*):/y;
const DISPLAY = /%"((?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*)"/y;
const BOOLEAN = /\?([01])/y;
const SP = / */y;
const OWS = /[ \t]*/y;

class Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  dictionary(): Map<string, Member> {
    const members = new Map<string, Member>();
    this.take(SP);
    while (this.at < this.text.length) {
      const key = this.must(KEY)[0];
      const member: Member = this.eat("=") ? this.member() : { type: "boolean", value: true };
      this.parameters();
      members.delete(key);
      members.set(key, member);
      this.take(OWS);
      if (this.at === this.text.length) break;
      if (!this.eat(",")) throw new Malformed();
      this.take(OWS);
      // A comma at the end is an error (RFC 9651 4.2.2).
      if (this.at === this.text.length) throw new Malformed();
    }
    return members;
  }

  private member(): Member {
    if (!this.eat("(")) return this.bareItem();
    const value: BareItem[] = [];
    for (;;) {
      this.take(SP);
      if (this.eat(")")) return { type: "inner-list", value };
      value.push(this.bareItem());
      this.parameters();
      const next = this.text[this.at];
      if (next !== " " && next !== ")") throw new Malformed();
    }
  }

  private parameters(): void {
    while (this.eat(";")) {
      this.take(SP);
      this.must(KEY);
      if (this.eat("=")) this.bareItem();
    }
  }

  private bareItem(): BareItem {
    switch (this.text[this.at]) {
      case '"': {
        const value = (this.must(STRING)[1] as string).replace(/\\(.)/g, "$1");
        return { type: "string", value };
      }
      case ":":
        return { type: "bytes", value: this.must(BYTES)[1] as string };
      case "?":
        return { type: "boolean", value: this.must(BOOLEAN)[1] === "1" };
      case "@": {
        this.at++;
        const date = this.number();
        if (date.type !== "integer") throw new Malformed();
        return { type: "date", value: date.value };
      }
      case "%":
        return { type: "display", value: this.must(DISPLAY)[1] as string };
      default:
        return /[-0-9]/.test(this.text[this.at] ?? "")
          ? this.number()
          : { type: "token", value: this.must(TOKEN)[0] };
    }
  }

  /** RFC 9651 4.2.4: 15 digits, or 12 before and 3 behind the point. */
  private number(): { type: "integer" | "decimal"; value: number } {
    const text = this.must(NUMBER)[0];
    const [whole = "", fraction] = text.replace("-", "").split(".");
    const fits =
      fraction === undefined ? whole.length <= 15 : whole.length <= 12 && fraction.length <= 3;
    if (!fits || this.text[this.at] === ".") throw new Malformed();
    return { type: fraction === undefined ? "integer" : "decimal", value: Number(text) };
  }

  private eat(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) this.at += match[0].length;
    return match;
  }

  private must(pattern: RegExp): RegExpExecArray {
    const match = this.take(pattern);
    if (match === null) throw new Malformed();
    return match;
  }
}

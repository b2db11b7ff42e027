/** Where a text stops to be JSON (RFC 8259): JSON.parse of some Node versions does not tell. */

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\x7f|[\x80-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

class Scanner {
  at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    this.at += found?.[0].length ?? 0;
    return found !== null;
  }

  private is(char: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  /** False: what stands at `at` is none. */
  value(): boolean {
    this.take(SPACE);
    if (this.is("{")) return this.list("}", () => this.string() && this.is(":") && this.value());
    if (this.is("[")) return this.list("]", () => this.value());
    return this.take(STRING) || this.take(SCALAR);
  }

  private string(): boolean {
    this.take(SPACE);
    return this.take(STRING);
  }

  private list(end: string, member: () => boolean): boolean {
    if (this.is(end)) return true;
    do if (!member()) return false;
    while (this.is(","));
    return this.is(end);
  }

  rest(): void {
    this.take(SPACE);
  }
}

/** Line and column, from 1, of the first token that cannot stand where it is. */
export function jsonFault(text: string): string {
  const scanner = new Scanner(text);
  if (scanner.value()) scanner.rest();
  const before = text.slice(0, scanner.at).split("\n");
  return `${before.length}:${(before.at(-1) as string).length + 1}`;
}

/** Tests of `<esi:when>`. ESI 1.0, 4.4: comparisons of variables and literals, `!`, `&`, `|`, brackets. */
import { EsiError } from "./template.ts";
import type { Variables } from "./variables.ts";

const TOKEN =
  /\s*(?:(\$\([A-Z_]+(?:\{[^{}()]{1,200}\})?(?:\|(?:'[^']*'|[^'()|\s]*))?\))|'([^']*)'|(-?[0-9]+(?:\.[0-9]+)?)|(true|false)\b|(==|!=|<=|>=|[<>!&|()]))/y;

type Token =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "sign"; readonly sign: string };

const MAX_TOKENS = 500;

/** @throws EsiError for what is no expression */
export function holds(test: string, variables: Variables): boolean {
  const tokens = tokensOf(test, variables);
  const reader = new Reader(tokens, test);
  const value = reader.either(0);
  if (!reader.over)
    throw new EsiError(`the test ${JSON.stringify(test)} goes on where it should end`);
  return value;
}

function tokensOf(test: string, variables: Variables): Token[] {
  const tokens: Token[] = [];
  const text = test.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null || tokens.length >= MAX_TOKENS) {
      throw new EsiError(`the test ${JSON.stringify(test)} cannot be read`);
    }
    const [, variable, quoted, number, truth, sign] = match;
    if (sign !== undefined) tokens.push({ kind: "sign", sign });
    else {
      const value =
        variable === undefined
          ? (quoted ?? number ?? truth ?? "")
          : variables.expand(variable, (one) => one);
      tokens.push({ kind: "value", value });
    }
  }
  return tokens;
}

const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?$/;
const MAX_DEPTH = 50;

class Reader {
  private readonly tokens: readonly Token[];
  private readonly test: string;
  private at = 0;

  constructor(tokens: readonly Token[], test: string) {
    this.tokens = tokens;
    this.test = test;
  }

  get over(): boolean {
    return this.at === this.tokens.length;
  }

  private takes(sign: string): boolean {
    const token = this.tokens[this.at];
    if (token?.kind !== "sign" || token.sign !== sign) return false;
    this.at++;
    return true;
  }

  either(depth: number): boolean {
    let value = this.both(depth);
    while (this.takes("|")) value = this.both(depth) || value;
    return value;
  }

  private both(depth: number): boolean {
    let value = this.one(depth);
    while (this.takes("&")) value = this.one(depth) && value;
    return value;
  }

  private one(depth: number): boolean {
    if (depth > MAX_DEPTH) throw new EsiError("a test with too many brackets");
    if (this.takes("!")) return !this.one(depth + 1);
    if (this.takes("(")) {
      const value = this.either(depth + 1);
      if (!this.takes(")")) throw new EsiError(`the test ${JSON.stringify(this.test)} lacks a )`);
      return value;
    }
    return this.comparison();
  }

  private comparison(): boolean {
    const left = this.value();
    const token = this.tokens[this.at];
    const sign = token?.kind === "sign" ? token.sign : "";
    if (!/^(?:[=!]=|[<>]=?)$/.test(sign))
      return left === "true" || (left !== "" && left !== "false" && left !== "0");
    this.at++;
    const right = this.value();
    // 4.4.1: as numbers where both are, else as text.
    const numbers = NUMBER.test(left) && NUMBER.test(right);
    const order = numbers ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0;
    switch (sign) {
      case "==":
        return order === 0;
      case "!=":
        return order !== 0;
      case "<":
        return order < 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      default:
        return order >= 0;
    }
  }

  private value(): string {
    const token = this.tokens[this.at];
    if (token?.kind !== "value") {
      throw new EsiError(`the test ${JSON.stringify(this.test)} lacks a value`);
    }
    this.at++;
    return token.value;
  }
}

/** Words of a filter expression, with their places for the caret under an error. */

export interface Token {
  readonly kind:
    | "name"
    | "string"
    | "operator"
    | "open"
    | "close"
    | "brace"
    | "unbrace"
    | "comma"
    | "range"
    | "end";
  readonly text: string;
  /** Index of the first character in the expression. */
  readonly at: number;
  readonly length: number;
}

/** What is wrong with an expression, and where. */
export class FilterError extends Error {
  readonly at: number;
  readonly length: number;
  constructor(message: string, at: number, length = 1) {
    super(message);
    this.name = "FilterError";
    this.at = at;
    this.length = Math.max(1, length);
  }
}

/** Longest expression that is read. */
const MAX_LENGTH = 65_536;

const OPERATORS = ["==", "!=", "<=", ">=", "&&", "||", "~=", "<", ">", "!", "~", "="] as const;
const SINGLE: Readonly<Record<string, Token["kind"]>> = {
  "(": "open",
  ")": "close",
  "{": "brace",
  "}": "unbrace",
  ",": "comma",
};

/** Names, numbers, addresses and prefixes are all words; what a word is the parser knows. */
const WORD = /[A-Za-z0-9_.:/+*-]/;

/** @throws FilterError */
export function tokenize(source: string): Token[] {
  if (source.length > MAX_LENGTH) throw new FilterError("the expression is too long", MAX_LENGTH);
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const c = source[at] as string;
    if (/\s/.test(c)) {
      at++;
      continue;
    }
    const single = SINGLE[c];
    if (single !== undefined) {
      tokens.push({ kind: single, text: c, at, length: 1 });
      at++;
      continue;
    }
    if (c === '"' || c === "'") {
      const token = quoted(source, at);
      tokens.push(token);
      at += token.length;
      continue;
    }
    if (source.startsWith("..", at)) {
      tokens.push({ kind: "range", text: "..", at, length: 2 });
      at += 2;
      continue;
    }
    const operator = OPERATORS.find((o) => source.startsWith(o, at));
    if (operator !== undefined) {
      tokens.push({ kind: "operator", text: operator, at, length: operator.length });
      at += operator.length;
      continue;
    }
    if (!WORD.test(c)) throw new FilterError(`"${c}" has no meaning here`, at);
    let end = at + 1;
    while (end < source.length && WORD.test(source[end] as string) && !source.startsWith("..", end))
      end++;
    tokens.push({ kind: "name", text: source.slice(at, end), at, length: end - at });
    at = end;
  }
  tokens.push({ kind: "end", text: "", at: source.length, length: 1 });
  return tokens;
}

function quoted(source: string, at: number): Token {
  const quote = source[at];
  let text = "";
  let i = at + 1;
  for (; i < source.length && source[i] !== quote; i++) {
    if (source[i] === "\\" && i + 1 < source.length) {
      i++;
      const c = source[i] as string;
      text += c === "n" ? "\n" : c === "t" ? "\t" : c === quote || c === "\\" ? c : `\\${c}`;
    } else {
      text += source[i];
    }
  }
  if (i >= source.length) throw new FilterError("the quote is not closed", at, source.length - at);
  return { kind: "string", text, at, length: i + 1 - at };
}

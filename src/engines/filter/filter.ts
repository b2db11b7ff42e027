/**
 * Filter expressions over records, as a Wireshark user would guess them (docs/filter.md).
 *
 *     or      = and *(("||" / "or") and)
 *     and     = not *(("&&" / "and") not)
 *     not     = ("!" / "not") not / primary
 *     primary = "(" or ")" / name / name op value / name "in" "{" item *("," item) "}"
 *     item    = value / value ".." value
 *
 * A comparison holds when it holds for any value of the field; `!=` when no value is equal. A
 * name alone holds when the record has the field (a boolean: when it is true), and a protocol's
 * name when the record is of it.
 */
import { RCODE, TYPE } from "../../codecs/dns/constants.ts";
import type { Field } from "../capture/fields.ts";
import { FIELDS, similarNames } from "../capture/fields.ts";
import type { CaptureRecord } from "../capture/record.ts";
import { PROTOCOL_KEYS } from "../capture/schema.ts";
import type { Test } from "./compare.ts";
import { rangeTest, testOf } from "./compare.ts";
import type { Token } from "./lexer.ts";
import { FilterError, tokenize } from "./lexer.ts";

export { FilterError } from "./lexer.ts";

export type Predicate = (record: CaptureRecord) => boolean;

/** Parentheses inside parentheses. */
const MAX_DEPTH = 100;

const COMPARISONS: Readonly<Record<string, string>> = {
  "==": "==",
  "=": "==",
  eq: "==",
  "!=": "!=",
  ne: "!=",
  "<": "<",
  lt: "<",
  "<=": "<=",
  le: "<=",
  ">": ">",
  gt: ">",
  ">=": ">=",
  ge: ">=",
  contains: "contains",
  matches: "matches",
  "~": "matches",
  "~=": "matches",
};

/** Names of protocols that are named only, beside those with keys of their own. */
const NAMED = [
  "quic",
  "dtls",
  "ssh",
  "smtp",
  "ftp",
  "pop3",
  "imap",
  "rtsp",
  "telnet",
  "ntp",
  "dhcp",
  "dhcpv6",
  "ssdp",
  "irc",
  "snmp",
  "syslog",
  "netbios-ns",
  "h323",
  "h225",
  "q931",
  "h245",
  "http2",
  "websocket",
];
export const PROTOCOL_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(PROTOCOL_KEYS),
  ...NAMED,
]);

/** @throws FilterError with the place of the fault. */
export function compileFilter(source: string): Predicate {
  return new Parser(tokenize(source)).parse();
}

/** The expression with a caret under the fault, for a terminal. */
export function renderFilterError(source: string, error: FilterError): string {
  const from = Math.max(0, error.at - 60);
  const line = source.slice(from, from + 120).replace(/\s/g, " ");
  const caret = `${" ".repeat(error.at - from)}${"^".repeat(Math.min(error.length, 60))}`;
  return `${error.message}\n  ${line}\n  ${caret}`;
}

function namesOf(field: string, word: string): number | undefined {
  const name = word.toUpperCase();
  if (field.endsWith("type") && field.startsWith("dns"))
    return (TYPE as Record<string, number>)[name];
  if (field === "dns.rcode") return (RCODE as Record<string, number>)[name];
  return undefined;
}

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  parse(): Predicate {
    if (this.peek().kind === "end") throw new FilterError("the expression is empty", 0);
    const predicate = this.or();
    const rest = this.peek();
    if (rest.kind !== "end") {
      throw new FilterError(
        `"&&", "||" or the end is expected before "${rest.text}"`,
        rest.at,
        rest.length,
      );
    }
    return predicate;
  }

  private peek(): Token {
    return this.tokens[this.at] as Token;
  }

  private take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.at++;
    return token;
  }

  /** Takes the next token when it is one of these operators or words. */
  private accept(...texts: string[]): boolean {
    const token = this.peek();
    if ((token.kind !== "operator" && token.kind !== "name") || !texts.includes(token.text))
      return false;
    this.at++;
    return true;
  }

  private or(): Predicate {
    const terms = [this.and()];
    while (this.accept("||", "or")) terms.push(this.and());
    return terms.length === 1 ? (terms[0] as Predicate) : (r) => terms.some((term) => term(r));
  }

  private and(): Predicate {
    const terms = [this.not()];
    while (this.accept("&&", "and")) terms.push(this.not());
    return terms.length === 1 ? (terms[0] as Predicate) : (r) => terms.every((term) => term(r));
  }

  private not(): Predicate {
    let negate = false;
    while (this.accept("!", "not")) negate = !negate;
    const inner = this.primary();
    return negate ? (r) => !inner(r) : inner;
  }

  private primary(): Predicate {
    const token = this.take();
    if (token.kind === "open") {
      if (++this.depth > MAX_DEPTH) throw new FilterError("too many parentheses", token.at);
      const inner = this.or();
      const close = this.take();
      if (close.kind !== "close") throw new FilterError('")" is missing', close.at, close.length);
      this.depth--;
      return inner;
    }
    if (token.kind !== "name") {
      const what = token.kind === "end" ? "the end" : `"${token.text}"`;
      throw new FilterError(`a field or protocol is expected, not ${what}`, token.at, token.length);
    }
    const field = FIELDS.get(token.text);
    const operator = this.peek();
    const meaning = COMPARISONS[operator.text];
    const compares =
      (operator.kind === "operator" || operator.kind === "name") &&
      (meaning !== undefined || operator.text === "in");
    if (field === undefined) {
      if (PROTOCOL_NAMES.has(token.text)) {
        if (compares)
          throw new FilterError(
            `${token.text} is a protocol: compare one of its fields`,
            operator.at,
            operator.length,
          );
        return (r) => r.protocol === token.text;
      }
      throw this.unknownName(token);
    }
    if (!compares) return exists(field);
    this.at++;
    return operator.text === "in" ? this.set(field) : this.comparison(field, meaning as string);
  }

  private unknownName(token: Token): FilterError {
    const similar = similarNames(token.text, [...FIELDS.keys(), ...PROTOCOL_NAMES]);
    const hint =
      similar.length > 0 ? `; did you mean ${similar.join(", ")}?` : " (netkit fields lists them)";
    return new FilterError(
      `there is no field or protocol ${token.text}${hint}`,
      token.at,
      token.length,
    );
  }

  private value(): Token {
    const token = this.take();
    if (token.kind !== "name" && token.kind !== "string") {
      const what = token.kind === "end" ? "the end" : `"${token.text}"`;
      throw new FilterError(`a value is expected, not ${what}`, token.at, token.length);
    }
    return token;
  }

  private comparison(field: Field, operator: string): Predicate {
    const value = this.value();
    const test = testOf(field, operator === "!=" ? "==" : operator, value, namesOf);
    if (operator !== "!=") return anyValue(field, test);
    return (r) => {
      const values = field.values(r);
      return values.length > 0 && !values.some(test);
    };
  }

  private set(field: Field): Predicate {
    const open = this.take();
    if (open.kind !== "brace")
      throw new FilterError('"{" is expected after in', open.at, open.length);
    const tests: Test[] = [];
    for (;;) {
      const low = this.value();
      if (this.peek().kind === "range") {
        this.at++;
        tests.push(rangeTest(field, low, this.value(), namesOf));
      } else {
        tests.push(testOf(field, "==", low, namesOf));
      }
      const next = this.take();
      if (next.kind === "unbrace") break;
      if (next.kind !== "comma")
        throw new FilterError('"," or "}" is expected', next.at, next.length);
    }
    return anyValue(field, (v) => tests.some((test) => test(v)));
  }
}

function anyValue(field: Field, test: Test): Predicate {
  const { values } = field;
  return (r) => {
    const found = values(r);
    return found.length === 1 ? test(found[0]) : found.some(test);
  };
}

function exists(field: Field): Predicate {
  if (field.type === "boolean") return anyValue(field, (v) => v === true);
  return (r) => field.values(r).length > 0;
}

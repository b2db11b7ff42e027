/** One comparison of a field with a value: what the operators mean for each type. */
import type { Field } from "../capture/fields.ts";
import { compareAddresses, inPrefix, parsePrefix } from "./address.ts";
import type { Token } from "./lexer.ts";
import { FilterError } from "./lexer.ts";

export type Test = (value: unknown) => boolean;

/** Mnemonics of DNS types that stand for their numbers. */
export type NumberNames = (field: string, word: string) => number | undefined;

const ORDER: Readonly<Record<string, (sign: number) => boolean>> = {
  "==": (s) => s === 0,
  "<": (s) => s < 0,
  "<=": (s) => s <= 0,
  ">": (s) => s > 0,
  ">=": (s) => s >= 0,
};

/** The test of `field operator value`. `!=` is built by the caller. @throws FilterError */
export function testOf(field: Field, operator: string, value: Token, names: NumberNames): Test {
  if (operator === "contains") return containsTest(value);
  if (operator === "matches") return matchesTest(value);
  const judge = ORDER[operator] as (sign: number) => boolean;
  switch (field.type) {
    case "number": {
      const wanted = numberOf(field, value, names);
      return (v) => typeof v === "number" && judge(v - wanted);
    }
    case "boolean": {
      const wanted = booleanOf(field, value);
      if (operator !== "==")
        throw new FilterError(
          `${field.name} is true or false: it has no order`,
          value.at,
          value.length,
        );
      return (v) => v === wanted;
    }
    case "address": {
      const prefix = parsePrefix(value.text);
      if (prefix === undefined)
        throw new FilterError(
          `${field.name} is an address: write it as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32`,
          value.at,
          value.length,
        );
      if (operator === "==") return (v) => inPrefix(String(v), prefix);
      return (v) => {
        const sign = compareAddresses(String(v), prefix);
        return sign !== undefined && judge(sign);
      };
    }
    case "string":
      return (v) => judge(order(String(v), value.text));
    case "any":
      return anyTest(judge, value);
  }
}

/** The test of `field in {low..high}`. @throws FilterError */
export function rangeTest(field: Field, low: Token, high: Token, names: NumberNames): Test {
  const from = testOf(field, ">=", low, names);
  const to = testOf(field, "<=", high, names);
  return (v) => from(v) && to(v);
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function anyTest(judge: (sign: number) => boolean, value: Token): Test {
  const wanted = Number(value.text);
  return (v) => {
    if (typeof v === "number" && !Number.isNaN(wanted)) return judge(v - wanted);
    return judge(order(String(v), value.text));
  };
}

/** Without regard to case, as names of hosts and fields are. */
function containsTest(value: Token): Test {
  const wanted = value.text.toLowerCase();
  return (v) => String(v).toLowerCase().includes(wanted);
}

function matchesTest(value: Token): Test {
  let pattern: RegExp;
  try {
    pattern = new RegExp(value.text, "iu");
  } catch (error) {
    throw new FilterError(
      `no regular expression: ${(error as Error).message}`,
      value.at,
      value.length,
    );
  }
  return (v) => pattern.test(String(v));
}

function numberOf(field: Field, value: Token, names: NumberNames): number {
  if (value.kind === "name") {
    if (/^[+-]?(0x[0-9a-fA-F]+|[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)$/.test(value.text))
      return Number(value.text);
    if (value.text === "true") return 1;
    if (value.text === "false") return 0;
  }
  const named = names(field.name, value.text);
  if (named !== undefined) return named;
  throw new FilterError(`${field.name} is a number`, value.at, value.length);
}

function booleanOf(field: Field, value: Token): boolean {
  if (value.text === "true" || value.text === "1") return true;
  if (value.text === "false" || value.text === "0") return false;
  throw new FilterError(`${field.name} is true or false`, value.at, value.length);
}

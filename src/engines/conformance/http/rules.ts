/** All rules of HTTP/1.1 for origin servers, by subject. */
import { CONNECTIONS } from "./connections.ts";
import { FIELD_LINES } from "./field-lines.ts";
import { FRAMING_RULES } from "./framing.ts";
import type { Rule } from "./rule.ts";
import { SEMANTICS } from "./semantics.ts";
import { START_LINES } from "./start-lines.ts";

export const RULES: readonly Rule[] = [
  ...START_LINES,
  ...FIELD_LINES,
  ...FRAMING_RULES,
  ...CONNECTIONS,
  ...SEMANTICS,
];

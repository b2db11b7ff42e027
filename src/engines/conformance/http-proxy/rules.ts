/** All rules of intermediaries of HTTP/1.1, by subject. */
import { FRAMING_RULES } from "./framing.ts";
import { REQUESTS } from "./requests.ts";
import { RESPONSES } from "./responses.ts";
import type { Rule } from "./rule.ts";

export const RULES: readonly Rule[] = [...REQUESTS, ...FRAMING_RULES, ...RESPONSES];

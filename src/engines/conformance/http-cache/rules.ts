/** All rules of shared caches, by subject. */
import type { Rule } from "../http-proxy/rule.ts";
import { STORING } from "./storing.ts";
import { USING } from "./using.ts";

export const RULES: readonly Rule[] = [...STORING, ...USING];

/** Which rules are tried, and the list of them. */
import { CommandError } from "../failure.ts";

export type Level = "must" | "should" | "may";
const LEVELS: readonly Level[] = ["must", "should", "may"];

interface Listed {
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  readonly spec: string;
  readonly hint: string;
}

/** @throws CommandError when none is left */
export function selectRules<R extends Listed>(
  rules: readonly R[],
  level: Level,
  only: string | undefined,
): readonly R[] {
  const deepest = LEVELS.indexOf(level);
  const chosen = rules.filter(
    (rule) =>
      LEVELS.indexOf(rule.level) <= deepest && (only === undefined || rule.id.includes(only)),
  );
  if (chosen.length === 0) throw new CommandError(`no rule has ${only} in its identifier`);
  return chosen;
}

/** @throws CommandError for a format that lists do not have */
export function listRules(rules: readonly Listed[], format: string): string {
  if (format === "json") {
    const list = rules.map(({ id, level, title, spec, hint }) => ({
      ...{ id, level, title, spec, hint },
    }));
    return `${JSON.stringify({ rules: list })}\n`;
  }
  if (format !== "text") throw new CommandError("--list is text or json");
  return rules
    .map(({ id, level, title }) => `${id.padEnd(20)} ${level.padEnd(7)} ${title}\n`)
    .join("");
}

/** Results of conformance runs as text, TAP, JSON and JUnit XML. */
import type { Result } from "../engines/conformance/codec/suite.ts";
import { passed } from "../engines/conformance/codec/suite.ts";
import type { Nanos } from "../engines/host.ts";
import { SECOND } from "../engines/host.ts";

/** One thing that was tried, of whatever suite. */
export interface Check {
  readonly id: string;
  readonly spec: string;
  readonly about: string;
  readonly level?: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped. */
  readonly detail: string;
  readonly hint?: string;
  readonly seconds: number;
}

export function codecCheck(result: Result): Check {
  const { vector, outcome, detail, seconds } = result;
  const good = passed(result);
  const more = detail === "" ? "" : ` (${detail})`;
  return {
    id: vector.id,
    spec: vector.spec,
    about: vector.about,
    outcome: good ? "passed" : "failed",
    detail: good ? "" : `${outcome}, expected ${vector.expect}${more}`,
    seconds,
  };
}

/** A rule that was tried, of whatever protocol. */
interface Checked {
  readonly rule: {
    readonly id: string;
    readonly spec: string;
    readonly title: string;
    readonly level: string;
    readonly hint: string;
  };
  readonly outcome: Check["outcome"];
  readonly detail: string;
  readonly took: Nanos;
}

export function ruleCheck({ rule, outcome, detail, took }: Checked): Check {
  const { id, spec, title, level, hint } = rule;
  return { id, spec, about: title, level, outcome, detail, hint, seconds: took / SECOND };
}

const VERDICT = { passed: "ok      ", failed: "FAILED  ", skipped: "skipped " } as const;

export function textLine(check: Check): string {
  const { id, spec, about, outcome, detail, hint } = check;
  const why = detail === "" ? "" : `: ${detail}`;
  const cure = outcome === "failed" && hint !== undefined ? `\n        hint: ${hint}` : "";
  return `${VERDICT[outcome]}${id.padEnd(20)} ${spec.padEnd(18)} ${about}${why}${cure}`;
}

export function summary(checks: readonly Check[]): string {
  const { passed: good, failed, skipped } = counts(checks);
  return `${good} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

export function counts(checks: readonly Check[]): Record<Check["outcome"], number> {
  const of = (outcome: Check["outcome"]) => checks.filter((c) => c.outcome === outcome).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

export function jsonReport(head: object, checks: readonly Check[]): object {
  const seconds = (check: Check) => Number(check.seconds.toFixed(4));
  return {
    ...head,
    ...counts(checks),
    results: checks.map((check) => ({ ...check, seconds: seconds(check) })),
  };
}

/** Test Anything Protocol, version 13. */
export function tapReport(checks: readonly Check[]): string {
  const lines = checks.flatMap((check, i) => {
    const { outcome, id, about, spec, detail, hint } = check;
    const skip = outcome === "skipped" ? ` # SKIP ${detail}` : "";
    const line = `${outcome === "failed" ? "not ok" : "ok"} ${i + 1} - ${id}: ${about}${skip}`;
    if (outcome !== "failed") return [line];
    const hints = hint === undefined ? [] : [`  hint: ${JSON.stringify(hint)}`];
    const message = `  message: ${JSON.stringify(detail)}`;
    return [line, "  ---", message, `  spec: ${JSON.stringify(spec)}`, ...hints, "  ..."];
  });
  return `TAP version 13\n1..${checks.length}\n${lines.map((line) => `${line}\n`).join("")}`;
}

function xml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  // XML 1.0 2.2: other control characters have no place in a document.
  return text.replace(/[^\P{Cc}\t\r\n]/gu, "?").replace(/[&<>"']/g, (c) => entities[c] as string);
}

/** `suite`: name of the run; `classname`: of its cases. */
export function junitReport(suite: string, classname: string, checks: readonly Check[]): string {
  const { failed, skipped } = counts(checks);
  const time = checks.reduce((sum, check) => sum + check.seconds, 0).toFixed(3);
  const cases = checks.map((check) => {
    const { id, about, spec, outcome, detail, hint } = check;
    const name = xml(`${id}: ${about}`);
    const open = `    <testcase classname="${xml(classname)}" name="${name}" time="${check.seconds.toFixed(3)}"`;
    if (outcome === "passed") return `${open}/>`;
    const inner =
      outcome === "skipped"
        ? `<skipped message="${xml(detail)}"/>`
        : `<failure message="${xml(`${detail} (${spec})`)}">${xml(hint ?? detail)}</failure>`;
    return `${open}>\n      ${inner}\n    </testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="${xml(suite)}" tests="${checks.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${time}">\n${cases.join("\n")}\n  </testsuite>\n</testsuites>\n`;
}

export interface Titles {
  /** Of the suite in JUnit XML, and of its cases. */
  readonly name: string;
  readonly classname: string;
  /** Keys ahead of the results in JSON. */
  readonly head: object;
}

/** The report of a whole run. In the form `text` the lines have been printed as they came. */
export function print(format: string, titles: Titles, checks: readonly Check[]): void {
  const { stdout } = process;
  if (format === "json") stdout.write(`${JSON.stringify(jsonReport(titles.head, checks))}\n`);
  else if (format === "junit") stdout.write(junitReport(titles.name, titles.classname, checks));
  else if (format === "tap") stdout.write(tapReport(checks));
  else stdout.write(`${summary(checks)}\n`);
}

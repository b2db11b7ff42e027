/** Results as text, JSON and JUnit XML. */
import type { Result } from "../engines/conformance/suite.ts";
import { passed } from "../engines/conformance/suite.ts";

export function textLine(result: Result): string {
  const { vector, outcome, detail } = result;
  const verdict = passed(result) ? "ok    " : "FAILED";
  const got = passed(result)
    ? ""
    : `: ${outcome}, expected ${vector.expect}${detail === "" ? "" : ` (${detail})`}`;
  return `${verdict} ${vector.id.padEnd(18)} ${vector.spec.padEnd(18)} ${vector.about}${got}`;
}

export function summary(results: readonly Result[]): string {
  const good = results.filter(passed).length;
  return `${good} passed, ${results.length - good} failed`;
}

export function jsonReport(protocol: string, results: readonly Result[]): object {
  return {
    protocol,
    passed: results.filter(passed).length,
    failed: results.filter((result) => !passed(result)).length,
    results: results.map((result) => ({
      id: result.vector.id,
      spec: result.vector.spec,
      about: result.vector.about,
      expect: result.vector.expect,
      outcome: result.outcome,
      passed: passed(result),
      seconds: Number(result.seconds.toFixed(4)),
    })),
  };
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

export function junitReport(protocol: string, results: readonly Result[]): string {
  const failures = results.filter((result) => !passed(result)).length;
  const time = results.reduce((sum, result) => sum + result.seconds, 0).toFixed(3);
  const cases = results.map((result) => {
    const { vector, outcome, detail } = result;
    const open = `    <testcase classname="netkit.${xml(protocol)}" name="${xml(`${vector.id}: ${vector.about}`)}" time="${result.seconds.toFixed(3)}"`;
    if (passed(result)) return `${open}/>`;
    return `${open}>\n      <failure message="${xml(`${outcome}, expected ${vector.expect} (${vector.spec})`)}">${xml(detail)}</failure>\n    </testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="netkit conform codec ${xml(protocol)}" tests="${results.length}" failures="${failures}" errors="0" skipped="0" time="${time}">\n${cases.join("\n")}\n  </testsuite>\n</testsuites>\n`;
}

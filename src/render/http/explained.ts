/** Why a cache did what it did, as lines: each step with its section, then what was stored. */
import type { ChalkInstance } from "chalk";
import type { Reason } from "../../engines/http/cache/explain.ts";
import { safe } from "../safe.ts";

export interface Explained {
  readonly method: string;
  readonly uri: string;
  readonly verdict: string;
  readonly statusCode?: number | undefined;
  readonly reasons: readonly Reason[];
  readonly stored: readonly { readonly name: string; readonly value: string }[] | undefined;
}

const SPEC_WIDTH = 18;

export function renderExplained(one: Explained, paint: ChalkInstance): string {
  const status = one.statusCode === undefined ? "" : ` ${one.statusCode}`;
  const good =
    one.verdict === "hit" || one.verdict === "revalidated" || one.verdict === "collapsed";
  const verdict = good ? paint.green(one.verdict) : paint.yellow(one.verdict);
  const lines = [`${safe(one.method)} ${safe(one.uri)}${status} ${verdict}`];
  for (const { spec, text } of one.reasons) {
    lines.push(`  ${paint.dim(spec.padEnd(SPEC_WIDTH))} ${safe(text)}`);
  }
  for (const { name, value } of one.stored ?? []) {
    lines.push(`  ${paint.dim("stored".padEnd(SPEC_WIDTH))} ${safe(name)}: ${safe(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Lengths of time on the command line. */
import { CommandError } from "../failure.ts";

/** `50`, `50ms`, `0.2s` in milliseconds. */
export function millisOf(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s)?$/.exec(text);
  if (match === null) throw new CommandError(`--${flag} ${text}: write it as 50ms or 0.2s`);
  return Math.round(Number(match[1]) * (match[2] === "s" ? 1000 : 1));
}

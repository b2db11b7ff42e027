/** Lengths of time on the command line. */
import { CommandError } from "../failure.ts";

/** `50`, `50ms`, `0.2s` in milliseconds. */
export function millisOf(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s)?$/.exec(text);
  if (match === null) throw new CommandError(`--${flag} ${text}: write it as 50ms or 0.2s`);
  return Math.round(Number(match[1]) * (match[2] === "s" ? 1000 : 1));
}

const SPANS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `90s`, `15m`, `1h`, `7d` in whole seconds. @throws CommandError */
export function spanSeconds(flag: string, text: string): number {
  const match = /^([0-9]{1,9})([smhd]?)$/.exec(text);
  if (match === null) throw new CommandError(`--${flag} ${text}: write it as 90s, 15m, 1h or 7d`);
  return Number(match[1]) * (SPANS[match[2] as string] ?? 1);
}

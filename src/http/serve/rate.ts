/** Rates of bits a second: `10Mbit`, `500k`. */
import { CommandError } from "../../failure.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

export function rateOf(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([kmg]?)(?:bit|bps|bit\/s)?$/i.exec(text);
  const value = Number(match?.[1]) * (UNITS[(match?.[2] ?? "").toLowerCase()] ?? 1);
  if (match === null || !(value > 0)) {
    throw new CommandError(`--${flag} ${text}: write it as bits a second, e.g. 10Mbit`);
  }
  return value;
}

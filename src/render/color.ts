/** Colour, only where a person looks: a terminal, without NO_COLOR, TERM=dumb or --no-color. */

import type { ChalkInstance } from "chalk";
import { Chalk } from "chalk";

/** `wanted`: undefined follows the terminal and the environment. */
export function palette(wanted?: boolean): ChalkInstance {
  const { env, argv, stdout } = process;
  if (wanted === false || argv.includes("--no-color")) return new Chalk({ level: 0 });
  if (wanted === true) return new Chalk({ level: 1 });
  if (env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0")
    return new Chalk({ level: 1 });
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return new Chalk({ level: 0 });
  if (env["TERM"] === "dumb" || stdout.isTTY !== true) return new Chalk({ level: 0 });
  return new Chalk();
}

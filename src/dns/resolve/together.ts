/** Flags of `netkit dns resolve` that say different things of who is asked. */
import { CommandError } from "../../failure.ts";
import type { ServerWord } from "./arguments.ts";
import type { ModeFlags } from "./modes.ts";

export interface WayFlags extends ModeFlags {
  readonly compare: boolean;
  readonly "compare-servers": boolean;
}

/** The flags that choose a way, as they are written. */
function ways(flags: WayFlags): string[] {
  return [
    ...(flags.mode === "stub" ? [] : [`--mode ${flags.mode}`]),
    ...(flags.validate ? ["--validate"] : []),
    ...(flags.compare ? ["--compare"] : []),
    ...(flags["compare-servers"] ? ["--compare-servers"] : []),
  ];
}

/** A zone comes whole from one server, and nothing of it is validated on the way. @throws CommandError */
export function checkTransferAlone(flags: WayFlags): void {
  const [way] = ways(flags);
  if (way !== undefined) throw new CommandError(`a transfer does not go with ${way}`);
}

/** What nobody could do as it is written is refused, so that no other server hears the question. @throws CommandError */
export function checkWays(flags: WayFlags, servers: readonly ServerWord[]): void {
  const given = ways(flags);
  if (given.length > 1 && (flags.compare || flags["compare-servers"]))
    throw new CommandError(`${given[0]} does not go with ${given[1]}`);
  if (flags.mode === "recursive" && flags.validate)
    throw new CommandError("--validate asks one server for all: not with --mode recursive");
  if (flags.mode !== "iterative") return;
  if (servers.length > 0)
    throw new CommandError("--mode iterative begins at the root (--hints) and asks no @server");
  if (flags.validate && flags.hints !== undefined && flags["trust-anchor"] === undefined)
    throw new CommandError("--validate needs --trust-anchor where --hints are given");
}

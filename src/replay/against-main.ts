/** `netkit replay --against`: its flags, and what it tells. */
import { CommandError } from "../failure.ts";
import { safe } from "../render/safe.ts";
import type { Compared } from "./against.ts";
import { against } from "./against.ts";

const MOST_SHOWN = 50;

export async function askedAgain(
  file: string,
  target: string,
  flags: { readonly speed?: string | undefined; readonly unsafe: boolean },
): Promise<{ readonly compared: Compared; readonly text: string }> {
  const speed = flags.speed === "max" ? Number.POSITIVE_INFINITY : Number(flags.speed ?? 1);
  if (!(speed > 0)) throw new CommandError(`--speed ${flags.speed}: a number above 0, or max`);
  const compared = await against(file, target, { speed, unsafe: flags.unsafe });
  const { asked, same, skipped, differences } = compared;
  const lines = differences
    .slice(0, MOST_SHOWN)
    .map(({ what, difference }) => safe(`${what}: ${difference}`));
  if (differences.length > MOST_SHOWN) lines.push(`and ${differences.length - MOST_SHOWN} more`);
  lines.push(
    `${asked} asked again, ${same} answered as before, ${differences.length} otherwise; ${skipped} not asked`,
  );
  return { compared, text: `${lines.join("\n")}\n` };
}

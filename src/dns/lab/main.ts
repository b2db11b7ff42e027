/** Behind `netkit dns lab`. */
import { TYPE } from "../../codecs/dns/index.ts";
import { isAbsolute } from "../../codecs/dns/name.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { writeOutput } from "../../output-file.ts";
import { palette } from "../../render/color.ts";
import { nameOf } from "../resolve/arguments.ts";
import { startLab } from "./live.ts";
import { renderRows } from "./render.ts";
import { SimulatedLab } from "./simulated.ts";

export interface LabFlags {
  readonly port: number;
  readonly folder: string;
  readonly simulated: boolean;
  readonly rtt: string;
  readonly loss: string;
  readonly seed: number;
  readonly name?: readonly string[] | undefined;
  readonly "negative-cache": boolean;
  readonly down?: readonly string[] | undefined;
  readonly pcap?: string | undefined;
  readonly json: boolean;
}

const DEFAULT_NAMES = ["www.example.com", "alias.example.com", "nothing.cs.uni.edu"];

/** `40ms`, `0.2s`. */
function durationOf(text: string): number {
  const parts = /^([0-9]+(?:\.[0-9]+)?)(us|ms|s)$/.exec(text);
  if (parts === null) throw new CommandError(`${text} is no time such as 40ms or 0.2s`);
  const unit = { us: MILLISECOND / 1000, ms: MILLISECOND, s: MILLISECOND * 1000 }[
    parts[2] as "us" | "ms" | "s"
  ];
  return Math.round(Number(parts[1]) * unit);
}

/** `1%`, `0.01`. */
function chanceOf(text: string): number {
  const parts = /^([0-9]+(?:\.[0-9]+)?)(%?)$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]) / (parts[2] === "%" ? 100 : 1);
  if (!(value >= 0 && value < 1)) throw new CommandError(`${text} is no chance such as 1%`);
  return value;
}

/** What real sockets do not do. */
const SIMULATED_ONLY = ["rtt", "loss", "seed", "name", "negative-cache", "down", "pcap"];

/** `given`: flags that were written. @throws CommandError */
export async function lab(flags: LabFlags, given: readonly string[]): Promise<void> {
  if (flags.simulated) return simulate(flags);
  const alone = SIMULATED_ONLY.find((name) => given.includes(name));
  if (alone !== undefined) throw new CommandError(`--${alone} goes with --simulated`);
  await run(flags);
}

function simulate(flags: LabFlags): void {
  const options = {
    seed: flags.seed,
    rtt: durationOf(flags.rtt),
    loss: chanceOf(flags.loss),
    negativeCache: flags["negative-cache"],
    down: flags.down ?? [],
  };
  const unknown = options.down.find((name) => !SimulatedLab.serverNames.includes(name));
  if (unknown !== undefined)
    throw new CommandError(
      `${unknown} is no server of the lab: ${SimulatedLab.serverNames.join(", ")}`,
    );
  const simulated = new SimulatedLab(options);
  const trace = flags.pcap === undefined ? undefined : simulated.trace("recursor");
  const names = flags.name ?? DEFAULT_NAMES;
  const questions = names.map((word) => {
    const name = nameOf(word);
    return { name: isAbsolute(name) ? name : `${name}.`, type: TYPE.A };
  });
  const rows = simulated.compare(questions);
  const digest = simulated.world.digest.text;
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ ...options, rtt: flags.rtt, rows, digest })}\n`);
  else
    process.stdout.write(`${renderRows(rows, palette())}digest ${digest} (seed ${flags.seed})\n`);
  if (trace === undefined || flags.pcap === undefined) return;
  writeOutput(flags.pcap, trace.bytes());
}

async function run(flags: LabFlags): Promise<void> {
  const { port, folder } = flags;
  const running = await startLab({ port, folder });
  const at = `${running.recursor}:${port}`;
  const { hints, anchor, servers } = running;
  const all = [...servers.map(({ addr }) => `${addr}:${port}`), at];
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ listening: all, recursor: at, hints, anchor, servers })}\n`,
    );
  else {
    const rows = servers.map(
      ({ name, addr, zones }) => `  ${addr.padEnd(12)} ${name.padEnd(18)} ${zones.join(" ")}`,
    );
    process.stdout.write(
      `${rows.join("\n")}\n  ${running.recursor.padEnd(12)} recursor\n\nhints        ${hints}\ntrust anchor ${anchor}\n\n` +
        `  netkit dns resolve www.example.com @${at}\n` +
        `  netkit dns resolve www.example.com --mode iterative --hints ${hints} --port ${port} --trace\n` +
        `  dig @${running.recursor} -p ${port} www.cs.uni.edu\n`,
    );
  }
  process.stderr.write(
    `netkit: listening on ${all.length} addresses at port ${port}; Ctrl-C ends the lab\n`,
  );
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve(name));
  });
  await running.stop();
  if (signal === "SIGINT") process.exitCode = EXIT.interrupted;
}

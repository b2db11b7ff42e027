/** `netkit http fetch`: flags in, the fetcher, the waterfall or JSON out. */
import { writeFileSync } from "node:fs";
import type { Host } from "../../engines/host.ts";
import { Agent } from "../../engines/http/fetch/agent.ts";
import { Fetcher } from "../../engines/http/fetch/fetcher.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { palette } from "../../render/color.ts";
import { harOf } from "../../render/http/har.ts";
import { renderScorecard } from "../../render/http/scorecard.ts";
import { renderWaterfall } from "../../render/http/waterfall.ts";
import { safe } from "../../render/safe.ts";
import { Bodies } from "./bodies.ts";
import { privateCache } from "./cache.ts";
import { jarOf, keepCookies } from "./cookies.ts";
import type { FetchFlags } from "./flags.ts";
import { live, simulated } from "./ground.ts";
import { setJson } from "./json.ts";
import { agentOptions, fetcherOptions, paced, partOf } from "./options.ts";
import { PageTaker } from "./page.ts";
import type { SetResult } from "./set.ts";
import type { Plan } from "./sets.ts";
import { fetchAll } from "./sets.ts";
import { secondsOf, wantedOf } from "./settings.ts";
import { splitRun } from "./split-run.ts";

/** Resolves with the exit code. `version`: of this program. */
export async function run(
  urls: readonly string[],
  flags: FetchFlags,
  version: string,
): Promise<number> {
  if (urls.length === 0) throw new CommandError("http fetch: name a URL; see --help");
  const splits = flags.split !== undefined;
  if (flags.output !== undefined && urls.length > 1 && !splits) {
    throw new CommandError("--output takes the body of one URL; use --remote-name for several");
  }
  const named = urls.map((url) => wantedOf(url, flags));
  const ground = flags.simulated === undefined ? await live(flags) : simulated(flags);
  const { clock } = ground.host;
  try {
    const jar = await jarOf(flags, () => clock.wallMs());
    const cache = await privateCache(ground.host, flags);
    const agent = { ...agentOptions(ground.host, flags, named), cookies: jar, cache };
    const begun = deadlineOf(flags, clock);
    const fetcher = fetcherOptions(ground, flags);
    const wanted = paced(named, flags, clock);
    let code: number;
    if (splits) {
      const strategy = { connections: flags.split ?? 1, keep: true, depth: 1 };
      const one = new Fetcher(ground.host, { ...fetcher, strategy });
      begun?.(one);
      code = await ground.settled(splitRun(new Agent(one, agent), flags, wanted));
    } else {
      const bodies = new Bodies(flags, wanted);
      const takers = () =>
        flags.page
          ? new PageTaker(bodies.taker(), wanted, (url) => partOf(url, flags, wanted))
          : bodies.taker();
      const { compressed } = flags;
      code = await fetchSets(
        { ground, fetcher, agent, wanted: bodies.requests, compressed, begun, takers },
        bodies,
        flags,
        version,
      );
    }
    const kept = flags["cookie-jar"];
    if (jar !== undefined && kept !== undefined) keepCookies(jar, kept);
    return code;
  } finally {
    ground.stop();
  }
}

async function fetchSets(
  plan: Plan,
  bodies: Bodies,
  flags: FetchFlags,
  version: string,
): Promise<number> {
  const results = await fetchAll(plan, flags);
  bodies.finish();
  if (flags.har !== undefined) writeHar(flags.har, results, version);
  print(results, flags);
  for (const part of bodies.left) {
    // Decoded octets are no part of what the server would go on with.
    const how = flags.compressed ? "" : "; --continue-at - goes on there";
    process.stderr.write(`netkit: ${part} has what came${how}\n`);
  }
  return exitCodeOf(results, flags);
}

/** `--max-time` from now on, for whatever fetches. */
function deadlineOf(flags: FetchFlags, clock: Host["clock"]): Plan["begun"] {
  const text = flags["max-time"];
  if (text === undefined) return undefined;
  const deadline = clock.now() + secondsOf("max-time", text);
  return (fetcher) =>
    clock.timer(() => fetcher.abort(`not done within --max-time ${text}`)).armAt(deadline);
}

function writeHar(path: string, results: readonly SetResult[], version: string): void {
  try {
    writeFileSync(path, `${JSON.stringify(harOf(results, version), null, 1)}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be written (${code})`, EXIT.input);
  }
}

function print(results: readonly SetResult[], flags: FetchFlags): void {
  if (flags.silent) return;
  // With the body on stdout the report would be part of it.
  const out = flags.output === "-" ? process.stderr : process.stdout;
  if (flags.json) {
    const sets = results.map(setJson);
    out.write(`${JSON.stringify(flags.compare || flags.warm ? { sets } : sets[0])}\n`);
    return;
  }
  const paint = palette(flags.color);
  const width = out.isTTY === true ? out.columns : 100;
  if (flags.compare) out.write(renderScorecard(results, paint));
  else for (const result of results) out.write(renderWaterfall(result, paint, width));
}

function exitCodeOf(results: readonly SetResult[], flags: FetchFlags): number {
  const objects = results.flatMap((result) => result.objects);
  const faults = objects.flatMap(({ error }) => (error === undefined ? [] : [error.fault]));
  for (const { url, error } of objects) {
    if (error !== undefined) process.stderr.write(`netkit: ${safe(url)}: ${safe(error.message)}\n`);
  }
  if (faults.some((fault) => fault !== "malformed" && fault !== "redirect")) return EXIT.network;
  if (faults.length > 0) return EXIT.input;
  const refused = objects.some(({ head }) => (head?.statusCode ?? 0) >= 400);
  return flags.fail && refused ? EXIT.negative : EXIT.done;
}

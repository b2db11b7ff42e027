/** `--split`: one large object by ranges at once, written in place, with a map of what is missing until it is whole. */
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { SECOND } from "../../engines/host.ts";
import type { Agent } from "../../engines/http/fetch/agent.ts";
import type { SplitMap } from "../../engines/http/fetch/split.ts";
import { Split } from "../../engines/http/fetch/split.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { writeOutput } from "../../output-file.ts";
import { bytesText, ms } from "../../render/http/waterfall.ts";
import { Progress } from "../../render/progress.ts";
import { safe } from "../../render/safe.ts";
import { checksumOf, verifyFile } from "./checksum.ts";
import type { FetchFlags } from "./flags.ts";
import { writeAll } from "./part-file.ts";
import type { Wanted } from "./set.ts";
import { targetOf } from "./target.ts";

/** Between two writes of the map. */
const MAP_TIME = SECOND;

/** Resolves with the exit code. */
export async function splitRun(
  agent: Agent,
  flags: FetchFlags,
  wanted: readonly Wanted[],
): Promise<number> {
  const { output } = flags;
  const connections = flags.split ?? 1;
  if (output === undefined || output === "-") {
    throw new CommandError("--split writes in place: name a file with --output");
  }
  const checksum = flags.checksum === undefined ? undefined : checksumOf(flags.checksum);
  const target = targetOf(output);
  if (target.special) throw new CommandError(`--split writes in place: ${output} is no file`);
  const path = `${target.path}.split`;
  const earlier = mapOf(`${path}.map`, path);
  const fd = open(path, earlier !== undefined);
  const { clock } = agent.fetcher.host;
  const began = clock.now();
  const progress = new Progress(!flags.silent);
  let size = 0;
  let reused = 0;
  let came = 0;
  let mapped = 0;
  let settle: (why: string | undefined) => void = () => {};
  let broken: unknown;
  const split = new Split(
    {
      agent,
      sources: wanted.map(({ request }) => request),
      connections,
      earlier,
    },
    {
      begun: (total, known) => {
        size = total ?? 0;
        reused = known;
        if (total === undefined)
          warn(`${safe(wanted[0]?.url ?? "")}: the server does no ranges; one connection`);
      },
      data: (at, bytes) => {
        came += bytes.length;
        progress.update(came + reused, size);
        try {
          writeAll(fd, bytes, path, at);
          // A run that is ended by a signal leaves what came so far.
          if (clock.now() - mapped < MAP_TIME) return;
          mapped = clock.now();
          keepMap(split, `${path}.map`);
        } catch (error) {
          broken = error;
          split.stop();
          settle("");
        }
      },
      done: () => settle(undefined),
      failed: (why) => settle(why),
    },
  );
  const failure = await new Promise<string | undefined>((resolve) => {
    settle = resolve;
    split.start();
  });
  progress.clear();
  // What other connections have on its way would keep the process.
  if (failure !== undefined) agent.fetcher.abort("given up");
  closeSync(fd);
  if (broken !== undefined) throw broken;
  if (failure !== undefined) {
    const map = keepMap(split, `${path}.map`);
    if (map === undefined) rmSync(path, { force: true });
    warn(safe(failure));
    if (map !== undefined) warn(`${path} has what came; the same command goes on there`);
    return EXIT.network;
  }
  rmSync(`${path}.map`, { force: true });
  if (checksum !== undefined) verifyFile(path, checksum);
  renameSync(path, target.path);
  report(split, flags, { took: clock.now() - began, came, reused });
  return EXIT.done;
}

/** In one step, so that no run finds half a map. */
function keepMap(split: Split, path: string): SplitMap | undefined {
  const map = split.map();
  if (map === undefined) return undefined;
  writeOutput(`${path}.new`, JSON.stringify(map));
  renameSync(`${path}.new`, path);
  return map;
}

function report(
  split: Split,
  flags: FetchFlags,
  { took, came, reused }: { took: number; came: number; reused: number },
): void {
  if (flags.silent) return;
  const { shares } = split;
  const sources = shares.map(({ url, bytes, pieces, faults }) => ({ url, bytes, pieces, faults }));
  if (flags.json) {
    const result = { file: flags.output, bytes: came, reused, totalMs: took / 1e6, sources };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  for (const { url, bytes, pieces, faults } of sources) {
    const wrong = faults === 0 ? "" : `, ${faults} failed`;
    process.stdout.write(`${safe(url)}: ${bytesText(bytes)} in ${pieces} pieces${wrong}\n`);
  }
  const kept = reused === 0 ? "" : `, ${bytesText(reused)} were there`;
  const rate = `${bytesText(Math.round((came * 1e9) / Math.max(1, took)))}/s`;
  process.stdout.write(`${flags.output}: ${bytesText(came)} in ${ms(took)}, ${rate}${kept}\n`);
}

function warn(line: string): void {
  process.stderr.write(`netkit: ${line}\n`);
}

/** Of an earlier run; undefined where there is none that can be trusted. */
function mapOf(path: string, data: string): SplitMap | undefined {
  if (!existsSync(path) || !existsSync(data)) return undefined;
  try {
    const map = JSON.parse(readFileSync(path, "utf8")) as SplitMap;
    const sound =
      Number.isSafeInteger(map.size) &&
      Array.isArray(map.missing) &&
      map.missing.every(
        ([from, to], i) =>
          Number.isSafeInteger(from) &&
          Number.isSafeInteger(to) &&
          from >= (map.missing[i - 1]?.[1] ?? 0) &&
          from < to &&
          to <= map.size,
      );
    return sound ? map : undefined;
  } catch {
    return undefined; // Cut, or another program's: the object is fetched anew.
  }
}

function open(path: string, keep: boolean): number {
  try {
    return openSync(path, keep ? "r+" : "w");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be written (${code})`, EXIT.input);
  }
}

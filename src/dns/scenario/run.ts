/** Behind `netkit dns scenario`: files and folders to results. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tracer } from "../../engines/dns/resolver/trace.ts";
import type { Scenario } from "../../engines/dns/scenario/parse.ts";
import { parseScenario, ScenarioError } from "../../engines/dns/scenario/parse.ts";
import type { ScenarioResult } from "../../engines/dns/scenario/run.ts";
import { runScenario } from "../../engines/dns/scenario/run.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { Xoshiro } from "../../net/random.ts";

export interface ScenarioRow extends ScenarioResult {
  /** The file is no scenario. */
  readonly malformed?: true;
  readonly file: string;
  readonly title: string;
}

const SUFFIX = /\.c?rpl$/;

/** Scenario files, those of folders in their order. @throws CommandError */
export function scenarioFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new CommandError(`${path}: there is no such file`, EXIT.input);
    if (!found.isDirectory()) return [path];
    const names = readdirSync(path)
      .filter((name) => SUFFIX.test(name))
      .sort();
    if (names.length === 0)
      throw new CommandError(`${path}: there is no .rpl file in it`, EXIT.input);
    return names.map((name) => join(path, name));
  });
}

export interface ScenarioFlags {
  readonly strict: boolean;
  readonly seed: number;
  readonly tracer?: Tracer;
}

/** A file that is no scenario has failed, and says why. */
export function runFile(file: string, flags: ScenarioFlags): ScenarioRow {
  let scenario: Scenario;
  try {
    scenario = parseScenario(readFileSync(file, "latin1"));
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return {
      file,
      title: basename(file),
      passed: false,
      malformed: true,
      step: 0,
      why: error.message,
    };
  }
  const { strict, seed, tracer } = flags;
  const result = runScenario(scenario, {
    strict,
    random: new Xoshiro(seed),
    ...(tracer === undefined ? {} : { tracer }),
  });
  return { file, title: scenario.title, ...result };
}

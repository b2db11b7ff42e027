/** Behind `--nearest`: the file, what it must have in the zones, and the checks of its edges. */
import { readFileSync } from "node:fs";
import { TYPE } from "../../codecs/dns/constants.ts";
import type { Authority } from "../../engines/dns/authority.ts";
import type { EdgeReport } from "../../engines/dns/nearest/edge-state.ts";
import type { EdgeSnapshot } from "../../engines/dns/nearest/nearest.ts";
import { Nearest } from "../../engines/dns/nearest/nearest.ts";
import type { NearestPlan } from "../../engines/dns/nearest/plan.ts";
import { PlanError, readPlan } from "../../engines/dns/nearest/plan.ts";
import { EdgeProber } from "../../engines/dns/nearest/prober.ts";
import type { Host } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { jsonFault } from "./json-place.ts";

/** @throws CommandError in one line with the place of the fault */
export function loadPlan(file: string): NearestPlan {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`, EXIT.input);
  }
  try {
    return readPlan(JSON.parse(text));
  } catch (error) {
    if (error instanceof PlanError) throw new CommandError(`${file}: ${error.message}`, EXIT.input);
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`${file}:${jsonFault(text)}: ${error.message}`, EXIT.input);
  }
}

/** Why names of the plan cannot be served from the zones that are here. */
export function planProblems(plan: NearestPlan, authority: Authority): string[] {
  return plan.names.flatMap(({ key, name }) => {
    const zone = authority.zoneFor(key);
    if (zone === undefined) return [`${name} is in none of the zones`];
    // RFC 4035 2.2: each answer would need a signature of its own, made with a key that is not here.
    if (zone.signed)
      return [
        `${name} is in the signed zone ${zone.name}: answers that differ by client have no signature; move it to an unsigned zone of its own`,
      ];
    const node = zone.find(key)?.node;
    if (node === undefined || node.cut !== undefined || node.dname !== undefined)
      return [`${name} has no record in the zone ${zone.name}`];
    return node.rrset(TYPE.CNAME) === undefined ? [] : [`${name} is an alias (CNAME)`];
  });
}

export interface NearestServiceOptions {
  readonly file: string;
  readonly authority: Authority;
  readonly host: Host;
  /** Zones that are fetched may come later: what they lack is a warning then. */
  readonly late: boolean;
  /** Where checks come from another process, none are made here. */
  readonly checks: boolean;
  say(line: string): void;
  onReport?(): void;
}

/** The file in use, and the checks that go on. */
export class NearestService {
  private readonly options: NearestServiceOptions;
  private nearest: Nearest | undefined;
  private prober: EdgeProber | undefined;

  constructor(options: NearestServiceOptions) {
    this.options = options;
  }

  /** @throws CommandError, and the old plan stays in use */
  load(): void {
    const { file, authority, late, say, checks } = this.options;
    const plan = loadPlan(file);
    for (const problem of planProblems(plan, authority)) {
      if (!late) throw new CommandError(`${file}: ${problem}`, EXIT.input);
      say(`warning: ${file}: ${problem}`);
    }
    const nearest = new Nearest(plan, this.nearest);
    this.nearest = nearest;
    authority.setTailor(nearest);
    this.close();
    if (plan.check === undefined || !checks) return;
    const onReport = (edge: string, report: EdgeReport) => {
      this.report(edge, report);
      this.options.onReport?.();
    };
    this.prober = new EdgeProber({ check: plan.check, edges: plan.edges, onReport });
    this.prober.start(this.options.host);
  }

  /** Of an edge, from a check or from itself. */
  report(edge: string, report: EdgeReport): void {
    const { nearest } = this;
    const { say, host } = this.options;
    if (nearest?.condition(edge) === undefined) return;
    if (!nearest.report(edge, report, host.clock.now())) return;
    const share = nearest.share(edge);
    const load = share === undefined ? "" : ` (load ${share.toFixed(2)} of its capacity)`;
    say(`edge ${edge} is ${nearest.condition(edge)}${load}`);
  }

  snapshot(): EdgeSnapshot[] {
    return this.nearest?.snapshot() ?? [];
  }

  adopt(edges: readonly EdgeSnapshot[]): void {
    this.nearest?.adopt(edges);
  }

  close(): void {
    this.prober?.stop(false, () => {});
    this.prober = undefined;
  }
}

/** Behind `netkit dns nearest`: where clients would be sent by a file, and why. */
import { TYPE, typeName } from "../../codecs/dns/constants.ts";
import type { EdgeReport } from "../../engines/dns/nearest/edge-state.ts";
import type { Explained } from "../../engines/dns/nearest/nearest.ts";
import { Nearest } from "../../engines/dns/nearest/nearest.ts";
import { parseNetwork } from "../../engines/dns/nearest/network.ts";
import { CommandError } from "../../failure.ts";
import { loadPlan } from "./nearest.ts";

export interface NearestFlags {
  readonly client: readonly string[];
  readonly name: readonly string[];
  readonly type: string;
  /** `EDGE=LOAD`. */
  readonly load: readonly string[];
  readonly down: readonly string[];
}

export interface Verdict extends Explained {
  readonly name: string;
  readonly type: string;
  readonly client: string;
}

function reported(nearest: Nearest, edge: string, report: EdgeReport, flag: string): void {
  if (nearest.condition(edge) === undefined)
    throw new CommandError(`${flag}: there is no edge ${edge}`);
  nearest.report(edge, report, 0);
}

/** @throws CommandError */
export function explainNearest(file: string, flags: NearestFlags): Verdict[] {
  const plan = loadPlan(file);
  const nearest = new Nearest(plan);
  for (const text of flags.load) {
    const [, edge, load] = /^(.+)=([0-9]+(?:\.[0-9]+)?)$/.exec(text) ?? [];
    if (edge === undefined) throw new CommandError(`--load ${text} is no EDGE=LOAD`);
    reported(nearest, edge, { load: Number(load) }, "--load");
  }
  for (const edge of flags.down) reported(nearest, edge, { healthy: false }, "--down");
  const absolute = flags.name.map((name) => (name.endsWith(".") ? name : `${name}.`));
  const names = plan.names.filter(({ name }) => absolute.length === 0 || absolute.includes(name));
  const missing = absolute.find((name) => !names.some((one) => one.name === name));
  if (missing !== undefined) throw new CommandError(`--name ${missing} is not in ${file}`);
  const type = flags.type === "AAAA" ? TYPE.AAAA : TYPE.A;
  return flags.client.flatMap((client) => {
    const network = parseNetwork(client, true);
    if (network === undefined) throw new CommandError(`--client ${client} is no ADDRESS[/BITS]`);
    return names.map(({ key, name }) => {
      const explained = nearest.explain(key, type, false, network) as Explained;
      return { name, type: typeName(type), client, ...explained };
    });
  });
}

const WORDS: Readonly<Record<Explained["because"], string>> = {
  prefix: "one of its prefixes holds the client",
  distance: "the nearest that is well",
  order: "the first that is well; where the client is, is not known",
  "least loaded": "none is well: the one with the most room",
  "no address": "no edge has an address of this family: what the zone has of its own",
  "all down": "all are down: as though they were well, unless the zone has records of its own",
};

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  return verdicts
    .map(({ name, type, client, place, scope, chosen, addresses, because, edges }) => {
      const lines = edges.map(({ edge, prefix, km, condition, load }) => {
        const far = prefix ? "prefix" : km === undefined ? "-" : `${km} km`;
        const share = load === undefined ? "" : ` ${load.toFixed(2)}`;
        return `  ${edge === chosen ? ">" : " "} ${edge.padEnd(12)} ${far.padStart(9)}  ${condition}${share}`;
      });
      const where = place === undefined ? "of unknown place" : `at ${place}`;
      const answer = chosen === undefined ? "nothing" : `${chosen} ${addresses.join(" ")}`;
      return [
        `${name} ${type} for ${client} ${where}: ${answer} (scope /${scope})`,
        `  because: ${WORDS[because]}`,
        ...lines,
      ].join("\n");
    })
    .join("\n");
}

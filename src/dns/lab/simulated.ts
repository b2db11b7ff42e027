/** The lab in a simulated network: the three ways of resolving, cold and warm, with who had to do what. */
import { readZone, typeName } from "../../codecs/dns/index.ts";
import { buildLab, keyOfOctets } from "../../engines/dns/lab/build.ts";
import { fetchedBy, LAB_RECURSOR, labPlan } from "../../engines/dns/lab/plan.ts";
import type { Mode, ModeAnswer } from "../../engines/dns/lab/resolve-modes.ts";
import { MODES, ModalClient } from "../../engines/dns/lab/resolve-modes.ts";
import { LabServer } from "../../engines/dns/lab/server.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Recursor } from "../../engines/dns/recursor.ts";
import { hintsOf } from "../../engines/dns/resolver/delegation.ts";
import type { ResolverOptions } from "../../engines/dns/resolver/options.ts";
import type { Host, Nanos } from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import { Trace } from "../../net/simulated/trace.ts";
import { World } from "../../net/simulated/world.ts";

export interface SimulatedLabOptions {
  readonly seed: number;
  /** Between any two hosts. */
  readonly rtt: Nanos;
  /** Chance that a packet is lost on its way. */
  readonly loss: number;
  readonly negativeCache: boolean;
  /** Names of servers that are down, e.g. `ns1.example.com`. */
  readonly down?: readonly string[];
}

export interface LabRow {
  readonly mode: Mode;
  readonly cache: "cold" | "warm";
  readonly name: string;
  readonly type: string;
  readonly rcode: number | undefined;
  readonly answers: number;
  /** Milliseconds of virtual time. */
  readonly ms: number;
  /** Questions that the client, the recursor and the servers of the hierarchy had. */
  readonly clientSent: number;
  readonly recursorSent: number;
  readonly rootQuestions: number;
  readonly serverQuestions: number;
  /** Packets of the whole network. */
  readonly packets: number;
}

const PORT = 53;
/** Places of the second instance of an anycast address: four times as far. */
const FAR = 4;
/** Nothing that belongs to a question waits so long; the secondaries' REFRESH does. */
const QUIET = 60 * SECOND;
const TRANSFERS = 600 * SECOND;

/** RFC 4786 4.4: what an instance of an anycast address asks for itself comes back to an address of its own. */
function ownAddress(anycast: string): string {
  return anycast.replace(/^127\.0\.1\./, "127.0.101.");
}

export class SimulatedLab {
  readonly world: World;
  private readonly servers = new Map<string, LabServer>();
  private readonly client: Host;
  private readonly options: SimulatedLabOptions;
  private readonly resolver: Partial<ResolverOptions>;
  private recursor: Recursor;

  constructor(options: SimulatedLabOptions) {
    this.options = options;
    // Out, through the core, and back are four links.
    const delay = Math.round(options.rtt / 4);
    // Each way passes two links: together they lose the packet with the chance asked for.
    const loss = 1 - Math.sqrt(1 - options.loss);
    this.world = new World({ seed: options.seed, delay, loss });
    const plan = labPlan();
    const keyFor = (zone: string) => {
      const octets = new Uint8Array(32);
      this.world.random.fork(`key ${zone}`).bytes(octets);
      return keyOfOctets(octets);
    };
    const { zones, anchors } = buildLab(plan, keyFor, Math.floor(this.world.startedMs / 1000));
    let missing = 0;
    for (const planned of plan.servers) {
      const { name, addr, zones: served, primary, instances } = planned;
      const own = primary ? served.flatMap((zone) => zones.get(zone) ?? []) : [];
      const fetched = fetchedBy(plan, planned);
      for (let i = 0; i < instances; i++) {
        if (fetched.length > 0) missing++;
        const server = new LabServer({
          ...{ addr, port: PORT, zones: own, fetched, relays: true },
          onFetched: () => missing--,
        });
        const node = i === 0 ? name : `${name}-${i + 1}`;
        this.servers.set(node, server);
        const far = { addresses: [ownAddress(addr), addr], link: { delay: delay * FAR } };
        this.world.node(node, {
          ...(i === 0 ? { addresses: [addr] } : far),
          boot: () => server,
        });
      }
    }
    const hints = hintsOf([...readZone(plan.hints, { origin: "." })]);
    this.resolver = { hints, anchors, ipv6: false, negativeCache: options.negativeCache };
    this.recursor = new Recursor({ resolver: this.resolver });
    this.world.node("recursor", {
      addresses: [LAB_RECURSOR],
      boot: (host) => {
        this.recursor = new Recursor({ resolver: this.resolver });
        this.recursor.start(host);
        return new DnsListener(this.recursor, { listen: [{ addr: LAB_RECURSOR, port: PORT }] });
      },
    });
    this.client = this.world.node("client", { addresses: ["127.0.0.1"] });
    this.world.run(0);
    // The secondaries have their zones before anybody asks; where too much is lost, some have none.
    this.world.runWhile(() => missing > 0 && this.world.now < TRANSFERS);
    this.world.quieten(QUIET, TRANSFERS);
    for (const name of options.down ?? []) this.world.faults.crash(name);
  }

  /** What a node sees from now on. */
  trace(node: string): Trace {
    const trace = new Trace(this.world.startedMs, node);
    this.world.attach(node, trace);
    return trace;
  }

  /** Names of the servers, as `down` takes them. */
  static get serverNames(): string[] {
    return labPlan().servers.map(({ name }) => name);
  }

  private questionsOf(pick: (name: string) => boolean): number {
    let sum = 0;
    for (const [name, server] of this.servers) if (pick(name)) sum += server.questions;
    return sum;
  }

  /** Each question twice in each mode, first with nothing known. */
  compare(questions: readonly { name: string; type: number }[]): LabRow[] {
    const rows: LabRow[] = [];
    for (const mode of MODES) {
      const client = new ModalClient(this.client, {
        resolver: this.resolver,
        recursor: { addr: LAB_RECURSOR, port: PORT },
        first: { addr: "127.0.1.1", port: PORT },
        timeoutMs: Math.max(8000, (this.options.rtt * 12) / MILLISECOND),
      });
      for (const cache of ["cold", "warm"] as const) {
        for (const { name, type } of questions)
          rows.push(this.measure(client, mode, cache, name, type));
      }
      client.close();
      this.recursor.flush();
    }
    return rows;
  }

  private measure(
    client: ModalClient,
    mode: Mode,
    cache: "cold" | "warm",
    name: string,
    type: number,
  ): LabRow {
    const roots = (node: string) => node.includes(".root");
    const before = {
      root: this.questionsOf(roots),
      all: this.questionsOf(() => true),
      recursor: this.recursor.statistics().queriesSent,
      packets: this.world.sent,
    };
    const answers: ModeAnswer[] = [];
    client.resolve(mode, name, type, (a) => answers.push(a));
    // What nobody waits for any more (late answers, timers) is over before the next is measured.
    this.world.quieten(QUIET, TRANSFERS);
    const [answer] = answers;
    return {
      mode,
      cache,
      name,
      type: typeName(type),
      rcode: answer?.response?.rcode,
      answers: answer?.response?.answers.length ?? 0,
      ms: (answer?.took ?? 0) / MILLISECOND,
      clientSent: answer?.sent ?? 0,
      recursorSent: this.recursor.statistics().queriesSent - before.recursor,
      rootQuestions: this.questionsOf(roots) - before.root,
      serverQuestions: this.questionsOf(() => true) - before.all,
      packets: this.world.sent - before.packets,
    };
  }
}

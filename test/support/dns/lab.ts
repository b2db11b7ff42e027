/** Zones on nodes of a simulated network, and a recursor that has only the root's hints. */
import type { DnsMessage, ResourceRecord } from "../../../src/codecs/dns/index.ts";
import { decode, encode, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import type { AuthZone } from "../../../src/engines/dns/auth-zones.ts";
import { isWithin, keyOf, parentOf } from "../../../src/engines/dns/dnssec/names.ts";
import type { DnsService } from "../../../src/engines/dns/listener.ts";
import { DnsListener } from "../../../src/engines/dns/listener.ts";
import { Recursor } from "../../../src/engines/dns/recursor.ts";
import type { ResolverOptions } from "../../../src/engines/dns/resolver/options.ts";
import { questionFor } from "../../../src/engines/dns/resolver/resolver.ts";
import type { TraceEvent } from "../../../src/engines/dns/resolver/trace.ts";
import type { Nanos } from "../../../src/engines/host.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";

export type Answerer = (query: DnsMessage) => Partial<DnsMessage> | undefined;

/** Answers of an authoritative server for a zone: data, referrals, NXDOMAIN and NODATA with SOA. */
export function zone(apex: string, text: string): Answerer {
  const records = [...readZone(text, { origin: apex, ttl: 300 })];
  const at = (name: string, type?: number) =>
    records.filter((one) => keyOf(one.name) === name && (type === undefined || one.type === type));
  const soa = at(apex, TYPE.SOA);
  return (query) => {
    const question = query.questions[0] as DnsMessage["questions"][number];
    const name = keyOf(question.name);
    if (!isWithin(name, apex)) return { rcode: RCODE.REFUSED };
    const cut = delegation(name, apex, at, question.type);
    if (cut !== undefined) return { authority: cut, additional: glue(cut, records) };
    const alias = at(name, TYPE.CNAME);
    const answers =
      question.type === TYPE.CNAME || alias.length === 0 ? at(name, question.type) : alias;
    if (answers.length > 0) return { aa: true, answers };
    const exists = records.some((one) => isWithin(keyOf(one.name), name));
    return { aa: true, rcode: exists ? RCODE.NOERROR : RCODE.NXDOMAIN, authority: soa };
  };
}

function delegation(
  name: string,
  apex: string,
  at: (name: string, type?: number) => ResourceRecord[],
  type: number,
): ResourceRecord[] | undefined {
  for (
    let cut = type === TYPE.DS ? parentOf(name) : name;
    cut !== apex && isWithin(cut, apex);
    cut = parentOf(cut)
  ) {
    const ns = at(cut, TYPE.NS);
    if (ns.length > 0) return ns;
  }
  return undefined;
}

function glue(ns: readonly ResourceRecord[], records: readonly ResourceRecord[]): ResourceRecord[] {
  const names = ns.map(({ rdata }) => keyOf((rdata as { host: string }).host));
  return records.filter((one) => one.type === TYPE.A && names.includes(keyOf(one.name)));
}

/** Undefined for what was damaged on the way: such a server is silent. */
function decodeSafe(request: Uint8Array): DnsMessage | undefined {
  try {
    return decode(new Uint8Array(request));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

function service(answer: Answerer, count: () => void): DnsService {
  return {
    query(request, client, reply) {
      count();
      const query = decodeSafe(request);
      if (query === undefined) return;
      const given = answer(query);
      if (given === undefined) return;
      const message: DnsMessage = {
        ...query,
        qr: 1,
        rcode: 0,
        ad: false,
        answers: [],
        authority: [],
        additional: [],
        ...given,
      };
      const bytes = encode(message);
      reply(
        bytes.length <= 1232 || client.transport !== "udp"
          ? bytes
          : encode({ ...message, tc: true, answers: [], authority: [], additional: [] }),
      );
    },
  };
}

function counted(inner: DnsService, count: () => void): DnsService {
  return {
    answerNow(request, client) {
      count();
      return inner.answerNow?.(request, client);
    },
    query: (request, client, reply) => inner.query(request, client, reply),
  };
}

export class Lab {
  readonly world: World;
  readonly recursor: Recursor;
  readonly events: TraceEvent[] = [];
  /** What the recursor told of zones that it keeps itself. */
  readonly said: string[] = [];
  /** Questions that servers got, by address. */
  readonly asked = new Map<string, number>();

  constructor(
    seed: number,
    servers: Readonly<Record<string, Answerer | DnsService>>,
    options: Partial<ResolverOptions> = {},
    traced = true,
    authZones: readonly AuthZone[] = [],
  ) {
    this.world = new World({ seed });
    for (const [addr, answer] of Object.entries(servers)) {
      const count = () => this.asked.set(addr, (this.asked.get(addr) ?? 0) + 1);
      this.world.node(`server ${addr}`, {
        addresses: [addr],
        boot: () =>
          new DnsListener(
            typeof answer === "function" ? service(answer, count) : counted(answer, count),
            { listen: [{ addr, port: 53 }] },
          ),
      });
    }
    this.recursor = new Recursor({
      resolver: { hints: [{ name: "a.root.", addresses: ["10.0.0.1"] }], ipv6: false, ...options },
      authZones,
      say: (what) => this.said.push(what),
      tracer: traced ? (event) => this.events.push(event) : undefined,
    });
    this.world.node("recursor", { addresses: ["10.9.9.9"], boot: () => this.recursor });
    this.world.run(0);
  }

  get queries(): number {
    return [...this.asked.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Asks, and runs the world until the answer is there; undefined when none came in time. */
  ask(
    name: string,
    type: number = TYPE.A,
    within: Nanos = 60 * SECOND,
    change: Partial<DnsMessage> = {},
  ): DnsMessage | undefined {
    let answer: DnsMessage | undefined;
    this.recursor.ask({ ...questionFor(name, type), ...change }, "10.1.1.1", (message) => {
      answer = message;
    });
    const until = this.world.now + within;
    while (answer === undefined && this.world.now < until)
      this.world.run(this.world.now + SECOND / 10);
    return answer;
  }

  /** Asks the same so many times at once, and waits for all answers. */
  askMany(name: string, count: number): number {
    let answers = 0;
    for (let i = 0; i < count; i++)
      this.recursor.ask(questionFor(name), "10.1.1.1", () => {
        answers++;
      });
    this.world.run(this.world.now + 10 * SECOND);
    return answers;
  }
}

/** Addresses in an answer. */
export function addresses(message: DnsMessage | undefined): string[] {
  return (message?.answers ?? []).flatMap(
    ({ rdata }) => (rdata as { address?: string }).address ?? [],
  );
}

const SOA = "@ SOA ns.x. h.x. 1 3600 600 86400 60\n";
export const apex = (ns: string) => `${SOA}@ NS ${ns}\n`;

/**
 * The Kaminsky race in the simulated world: an attacker asks a resolver for names that nobody has
 * asked for, and sends forged answers before the true one comes. Each race is won with the chance of
 * guessing the identifier, the port and the case of the name. RFC 5452 7.
 */
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { CLASS, decode, encode, RCODE, TYPE } from "../../codecs/dns/index.ts";
import type { Entropy } from "../../engines/dns/lab/weak-host.ts";
import { weakHost } from "../../engines/dns/lab/weak-host.ts";
import type { DnsService } from "../../engines/dns/listener.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Recursor } from "../../engines/dns/recursor.ts";
import type { Host } from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import type { SimNode } from "../../net/simulated/node.ts";
import { Packet, UDP } from "../../net/simulated/packet.ts";
import { World } from "../../net/simulated/world.ts";

export interface PoisonOptions extends Entropy {
  readonly seed: number;
  readonly races: number;
  /** Forged answers of each race, all of which come before the true one. */
  readonly forged: number;
  /** The resolver writes names in random case, which an answer must repeat. */
  readonly randomCase: boolean;
}

export interface PoisonResult {
  readonly races: number;
  readonly won: number;
  readonly rate: number;
  /** By the closed formula: 1 - (1 - 2^-bits)^forged. */
  readonly expected: number;
  /** Standard deviations between the two. */
  readonly sigmas: number;
  /** Bits that an answer must guess. */
  readonly bits: number;
  /** Races after which the resolver is poisoned with a chance of one half. */
  readonly racesToHalf: number;
}

const RESOLVER = "192.0.2.53";
const AUTHORITY = "192.0.2.1";
const ATTACKER = "203.0.113.66";
const POISON = "203.0.113.99";
const FIRST_PORT = 1024;
const DNS_PORT = 53;
/** The true answer takes so long; forged ones are sent while it is on its way. */
const TRUE_ANSWER = 50 * MILLISECOND;
/** Letters of the names that are asked for: each is a bit where case is random. */
const LABEL = "abcdefgh";
const ZONE = "example.";

function answerTo(query: DnsMessage, address: string): DnsMessage {
  const [question] = query.questions;
  const name = question?.name ?? ".";
  const { edns: _edns, ...plain } = query;
  return {
    ...plain,
    qr: 1,
    aa: true,
    rcode: RCODE.NOERROR,
    answers: [{ name, type: TYPE.A, class: CLASS.IN, ttl: 60, rdata: { address } }],
    authority: [],
    additional: [],
  };
}

/** The server that is impersonated; it speaks TCP, by which a resolver escapes guesses of the case. */
const TRUTH: DnsService = {
  query: (request, _client, reply) =>
    reply(encode(answerTo(decode(request.slice()), "192.0.2.80"))),
};

class Race {
  private readonly world: World;
  private readonly options: PoisonOptions;
  private readonly attacker: SimNode;
  private won = 0;

  constructor(options: PoisonOptions) {
    this.options = options;
    this.world = new World({ seed: options.seed, delay: 0 });
    const { world } = this;
    world.node("authority", {
      addresses: [AUTHORITY],
      link: { delay: TRUE_ANSWER / 2 },
      boot: () => new DnsListener(TRUTH, { listen: [{ addr: AUTHORITY, port: DNS_PORT }] }),
    });
    world.node("resolver", { addresses: [RESOLVER], boot: (host) => this.resolver(host) });
    this.attacker = world.node("attacker", { addresses: [ATTACKER] });
    this.world.run(0);
  }

  private resolver(host: Host): DnsListener {
    const recursor = new Recursor({
      resolver: {
        stubs: [{ zone: ZONE, addresses: [{ addr: AUTHORITY, port: DNS_PORT }] }],
        minimise: "off",
        validate: false,
        caseRandomisation: this.options.randomCase,
        localZones: false,
      },
    });
    recursor.start(weakHost(host, this.options));
    return new DnsListener(recursor, { listen: [{ addr: RESOLVER, port: DNS_PORT }] });
  }

  run(): number {
    for (let n = 0; n < this.options.races; n++) this.race(n);
    return this.won;
  }

  /** One name that was never asked for before, and a burst of guesses. */
  private race(n: number): void {
    const { world, attacker } = this;
    const digits = n.toString().padStart(8, "0");
    const name = `${LABEL}.${digits}.${ZONE}`;
    const query: DnsMessage = {
      id: n & 0xffff,
      qr: 0,
      opcode: 0,
      rcode: 0,
      aa: false,
      tc: false,
      rd: true,
      ra: false,
      ad: false,
      cd: false,
      questions: [{ name, type: TYPE.A, class: CLASS.IN }],
      answers: [],
      authority: [],
      additional: [],
    };
    const socket = attacker.udp({
      onDatagram: (data) => {
        const [answer] = decode(data.slice()).answers;
        const { address } = (answer?.rdata ?? {}) as { address?: string };
        if (address === POISON) this.won++;
      },
    });
    socket.send(encode(query), RESOLVER, DNS_PORT);
    world.queue.at(world.now + TRUE_ANSWER / 5, () => this.burst(query), 0, 0);
    world.run(world.now + SECOND);
    socket.close();
  }

  private burst(query: DnsMessage): void {
    const { idBits, portBits, forged, randomCase } = this.options;
    const { random } = this.attacker;
    for (let i = 0; i < forged; i++) {
      const id = random.below(1 << idBits);
      const port = FIRST_PORT + random.below(1 << portBits);
      const [question] = query.questions;
      const asked = question?.name ?? ".";
      const name = randomCase ? guessCase(asked, random) : asked;
      const message = answerTo(
        { ...query, id, rd: false, questions: [{ name, type: TYPE.A, class: CLASS.IN }] },
        POISON,
      );
      // The source address is a lie: nothing on the way checks it (BCP 38 is not everywhere).
      const packet = new Packet(UDP, AUTHORITY, DNS_PORT, RESOLVER, port, encode(message));
      this.world.transmit(this.attacker.vertex, packet);
    }
  }
}

function guessCase(name: string, random: { u32(): number }): string {
  return [...name]
    .map((c) => ((random.u32() & 1) === 1 ? c.toUpperCase() : c.toLowerCase()))
    .join("");
}

export function poison(options: PoisonOptions): PoisonResult {
  const letters = options.randomCase ? LABEL.length + ZONE.length - 1 : 0;
  const bits = options.idBits + options.portBits + letters;
  const miss = 1 - 1 / (1 << Math.min(bits, 30));
  const expected = 1 - Math.exp(options.forged * Math.log(miss));
  const won = new Race(options).run();
  const rate = won / options.races;
  const deviation = Math.sqrt((expected * (1 - expected)) / options.races);
  return {
    races: options.races,
    won,
    rate,
    expected,
    sigmas: deviation === 0 ? 0 : (rate - expected) / deviation,
    bits,
    racesToHalf: Math.ceil(Math.log(0.5) / Math.log(1 - expected)),
  };
}

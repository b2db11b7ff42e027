/**
 * What a capture says of a resolver: its clients' questions, its own questions to servers and what
 * came back. Another resolver is then put in its place and asked the same; where it asks otherwise
 * is told, with the reason.
 */
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { decode, formatRdata, TYPE, typeName } from "../../codecs/dns/index.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type { Nanos } from "../host.ts";

/** A DNS message of the capture. */
export interface CapturedMessage {
  readonly at: Nanos;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  readonly transport: "udp" | "tcp";
  readonly bytes: Uint8Array;
}

export interface Exchange {
  readonly server: string;
  readonly name: string;
  readonly type: number;
  readonly transport: "udp" | "tcp";
  readonly at: Nanos;
  readonly response: Uint8Array | undefined;
  readonly rtt: Nanos;
}

export interface ClientQuestion extends CapturedMessage {
  readonly message: DnsMessage;
  /** What the captured resolver said. */
  readonly answer: DnsMessage | undefined;
}

export interface CapturedResolver {
  /** Where it was asked, and whence it asked. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly clients: readonly ClientQuestion[];
  readonly upstream: readonly Exchange[];
}

export type Reason =
  | "same"
  | "other server of the same question"
  | "priming (RFC 8109)"
  | "validation (RFC 4035)"
  | "a name that the captured resolver did not ask for"
  | "asked again";

const FULL = "\u0000";

export function questionKey(name: string, type: number): string {
  return `${name.toLowerCase()}${FULL}${type}`;
}

function read(bytes: Uint8Array): DnsMessage | undefined {
  try {
    return decode(bytes, { tolerate: () => {} });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

/** Undefined when no address of the capture both is asked for recursion and asks. */
export function capturedResolver(
  messages: readonly CapturedMessage[],
): CapturedResolver | undefined {
  const parsed = messages.flatMap((one) => {
    const message = read(one.bytes);
    return message === undefined || message.questions.length !== 1 ? [] : [{ ...one, message }];
  });
  const asked = parsed.filter(({ message }) => message.qr === 0 && message.opcode === 0);
  // RA tells who recurses; whoever asks such a server is a client, and who else asks is the resolver.
  const services = new Set(parsed.filter(({ message }) => message.ra).map(({ src }) => src));
  const clients = asked.filter(({ src, dst }) => services.has(dst) && !services.has(src));
  const port = clients[0]?.dport;
  if (port === undefined) return undefined;
  const clientAddresses = new Set(clients.map(({ src }) => src));
  const sources = new Set(asked.map(({ src }) => src).filter((src) => !clientAddresses.has(src)));
  const own = new Set([...clients.map(({ dst }) => dst), ...sources]);
  const upstream = asked.filter(({ src, dst }) => sources.has(src) && !own.has(dst));
  if (clients.length === 0 || upstream.length === 0) return undefined;
  const answers = responsesOf(parsed.filter(({ message }) => message.qr === 1));
  return {
    addresses: [...own],
    port,
    clients: clients.map((one) => ({ ...one, answer: answers(one)?.message })),
    upstream: upstream.map((one) => {
      const response = answers(one);
      const [question] = one.message.questions;
      return {
        server: one.dst,
        name: question?.name ?? ".",
        type: question?.type ?? TYPE.A,
        transport: one.transport,
        at: one.at,
        response: response?.bytes,
        rtt: response === undefined ? 0 : response.at - one.at,
      };
    }),
  };
}

type Parsed = CapturedMessage & { readonly message: DnsMessage };

/** Finds the first response after a query, with its endpoints and identifier. */
function responsesOf(responses: readonly Parsed[]): (query: Parsed) => Parsed | undefined {
  const key = (a: string, ap: number, b: string, bp: number, id: number) =>
    `${a} ${ap} ${b} ${bp} ${id}`;
  const waiting = new Map<string, Parsed[]>();
  for (const one of responses) {
    const at = key(one.src, one.sport, one.dst, one.dport, one.message.id);
    const list = waiting.get(at);
    if (list === undefined) waiting.set(at, [one]);
    else list.push(one);
  }
  return (query) => {
    const list = waiting.get(key(query.dst, query.dport, query.src, query.sport, query.message.id));
    while (list !== undefined && list.length > 0) {
      const first = list.shift() as Parsed;
      if (first.at >= query.at) return first;
    }
    return undefined;
  };
}

export interface Difference {
  readonly at: Nanos;
  readonly server: string;
  readonly name: string;
  readonly type: string;
  readonly reason: Reason;
}

/** Answers the new resolver out of the capture, and notes where it asks what the old one did not. */
export class Counterpart {
  private readonly exact = new Map<string, Exchange[]>();
  private readonly anywhere = new Map<string, Exchange[]>();
  private readonly used = new Map<string, number>();
  readonly differences: Difference[] = [];
  asked = 0;
  same = 0;

  constructor(captured: CapturedResolver) {
    for (const one of captured.upstream) {
      const key = questionKey(one.name, one.type);
      add(this.exact, `${one.server} ${one.transport} ${key}`, one);
      add(this.anywhere, `${one.transport} ${key}`, one);
    }
  }

  /** The response with the query's identifier and spelling, and when it comes. */
  answer(
    at: Nanos,
    server: string,
    transport: "udp" | "tcp",
    query: Uint8Array,
  ): { readonly bytes: Uint8Array; readonly rtt: Nanos } | undefined {
    const message = read(query);
    const [question] = message?.questions ?? [];
    if (message === undefined || question === undefined) return undefined;
    this.asked++;
    const key = questionKey(question.name, question.type);
    const own = this.exact.get(`${server} ${transport} ${key}`);
    const found = own ?? this.anywhere.get(`${transport} ${key}`);
    const turn = this.used.get(`${server} ${key}`) ?? 0;
    this.used.set(`${server} ${key}`, turn + 1);
    const reason: Reason =
      own !== undefined
        ? turn < own.length
          ? "same"
          : "asked again"
        : found !== undefined
          ? "other server of the same question"
          : reasonOf(question.name, question.type);
    if (reason === "same") this.same++;
    else
      this.differences.push({
        at,
        server,
        name: question.name.toLowerCase(),
        type: typeName(question.type),
        reason,
      });
    const exchange = found?.[Math.min(turn, found.length - 1)];
    if (exchange?.response === undefined) return undefined;
    return { bytes: spelled(exchange.response, query), rtt: exchange.rtt };
  }

  /** Questions of the captured resolver that the new one never had to ask. */
  spared(captured: CapturedResolver): Exchange[] {
    const asked = new Set([...this.used.keys()].map((key) => key.slice(key.indexOf(" ") + 1)));
    return captured.upstream.filter((one) => !asked.has(questionKey(one.name, one.type)));
  }
}

function add(map: Map<string, Exchange[]>, key: string, one: Exchange): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [one]);
  else list.push(one);
}

function reasonOf(name: string, type: number): Reason {
  if (type === TYPE.DNSKEY || type === TYPE.DS) return "validation (RFC 4035)";
  if (name === "." && type === TYPE.NS) return "priming (RFC 8109)";
  return "a name that the captured resolver did not ask for";
}

/** Identifier and question of the query, in the response of another spelling (0x20). */
function spelled(response: Uint8Array, query: Uint8Array): Uint8Array {
  const bytes = response.slice();
  bytes[0] = query[0] as number;
  bytes[1] = query[1] as number;
  for (let at = 12; at < query.length && query[at] !== 0; at++) bytes[at] = query[at] as number;
  return bytes;
}

/** Whether two answers say the same: code and records, in any order, whatever their TTL. */
export function sameAnswer(a: DnsMessage, b: DnsMessage): boolean {
  const text = (message: DnsMessage) =>
    message.answers
      .map((r) => `${r.name.toLowerCase()} ${r.type} ${formatRdata(r.type, r.rdata)}`)
      .sort()
      .join("\n");
  return a.rcode === b.rcode && text(a) === text(b);
}

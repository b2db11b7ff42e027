/** What rules are written with: queries, the answers to them, and silence. */
import type { DnsMessage, EdnsOption } from "../../../codecs/dns/index.ts";
import { CLASS, decode, encode, OPCODE, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { fromHex } from "../../../codecs/writer.ts";
import type { Conversation, Target } from "./rule.ts";
import { Deviation } from "./rule.ts";

/** Milliseconds for an answer, and tries: a datagram may be lost. */
const ANSWER_WAIT = 1500;
const TRIES = 2;
/** Milliseconds in which nothing must come. */
const SILENCE_WAIT = 300;

export interface QueryOptions {
  readonly id?: number;
  readonly name?: string;
  readonly type?: number;
  readonly class?: number;
  readonly opcode?: number;
  readonly rd?: boolean;
  readonly z?: true;
  readonly edns?: {
    readonly udpSize?: number;
    readonly version?: number;
    readonly do?: boolean;
    readonly z?: number;
    readonly options?: readonly EdnsOption[];
  };
}

export function query(target: Target, options: QueryOptions = {}): DnsMessage {
  const { edns } = options;
  return {
    id: options.id ?? 0x2b1f,
    qr: 0,
    opcode: options.opcode ?? OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    aa: false,
    tc: false,
    rd: options.rd ?? true,
    ra: false,
    ...(options.z === true ? { z: true as const } : {}),
    ad: false,
    cd: false,
    questions: [
      {
        name: options.name ?? target.name,
        type: options.type ?? TYPE.SOA,
        class: options.class ?? CLASS.IN,
      },
    ],
    answers: [],
    authority: [],
    additional: [],
    ...(edns === undefined
      ? {}
      : { edns: { udpSize: 1232, version: 0, do: false, options: [], ...edns } }),
  };
}

export function expectThat(kept: boolean, otherwise: string): asserts kept {
  if (!kept) throw new Deviation(otherwise);
}

/** A name in the zone that nobody has. */
export function negativeName(target: Target, below = ""): string {
  return `netkit-conformance-no-such-name.${below}${target.name === "." ? "" : target.name}`;
}

export function hexBytes(text: string): Uint8Array {
  return fromHex(text.replaceAll(" ", "")) ?? new Uint8Array(0);
}

function decoded(bytes: Uint8Array): DnsMessage {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new Deviation(
      `the response is malformed: ${error.message} (octet ${error.offset}, ${error.spec})`,
    );
  }
}

/** What comes back for these octets, or undefined. */
export function* anyAnswer(data: Uint8Array): Conversation<DnsMessage | undefined> {
  const [reply] = yield { kind: "udp", data, wait: SILENCE_WAIT };
  return reply === undefined ? undefined : decoded(reply);
}

/** What comes back for a query that need not be answered. */
export function* optional(message: DnsMessage): Conversation<DnsMessage | undefined> {
  return yield* anyAnswer(encode(message));
}

/** The octets that come back. @throws Deviation when nothing does */
export function* rawAnswer(data: Uint8Array): Conversation<Uint8Array> {
  for (let n = 0; n < TRIES; n++) {
    const [reply] = yield { kind: "udp", data, wait: ANSWER_WAIT };
    if (reply !== undefined) return reply;
  }
  throw new Deviation("no answer came");
}

export function* answer(message: DnsMessage): Conversation<DnsMessage> {
  return decoded(yield* rawAnswer(encode(message)));
}

/** @throws Deviation when something comes back */
export function* silent(data: Uint8Array, otherwise: string): Conversation<void> {
  const [reply] = yield { kind: "udp", data, wait: SILENCE_WAIT };
  if (reply !== undefined) throw new Deviation(otherwise);
}

/** The server still answers after what was done to it. */
export function* alive(target: Target): Conversation<void> {
  for (let n = 0; n < TRIES; n++) {
    const [reply] = yield { kind: "udp", data: encode(query(target)), wait: ANSWER_WAIT };
    if (reply !== undefined) return;
  }
  throw new Deviation("the server answers no more");
}

/** Messages that come back on one connection. */
export function* tcp(chunks: readonly Uint8Array[], answers: number): Conversation<DnsMessage[]> {
  const replies = yield { kind: "tcp", chunks, answers, wait: ANSWER_WAIT };
  return replies.map(decoded);
}

/** DNS questions of a capture with their answers. RFC 1035 4.1. */
import { readMessage } from "../../codecs/dns/decode.ts";
import type { ResourceRecord } from "../../codecs/dns/index.ts";
import { formatRdata, typeName } from "../../codecs/dns/index.ts";
import type { Packet } from "../../codecs/link/packet.ts";
import { addressText } from "../capture/flow.ts";

export interface Lookup {
  readonly name: string;
  readonly type: string;
  readonly client: string;
  readonly server: string;
  readonly startMs: number;
  endMs: number | undefined;
  /** Of the answer; of a negative one as RFC 2308 5 has it. */
  ttl: number | null;
  negative: boolean;
  rcode: number | undefined;
  /** Records of the answer without their times to live: `NAME TYPE DATA`, sorted. */
  records: readonly string[];
  /** The answer as it was on the wire; undefined: none came. */
  response: Uint8Array | undefined;
  /** Addresses that the answer gave. */
  addresses: readonly string[];
}

export class LookupLog {
  readonly lookups: Lookup[] = [];
  private readonly waiting = new Map<string, Lookup>();

  add(packet: Packet, at: number): void {
    const bytes = packet.bytes.slice(packet.start, packet.end);
    const { message, malformed } = readMessage(bytes);
    if (malformed || message.opcode !== 0) return;
    const [question] = message.questions;
    if (question === undefined) return;
    const source = addressText(packet.family, packet.s0, packet.s1, packet.s2, packet.s3);
    const target = addressText(packet.family, packet.d0, packet.d1, packet.d2, packet.d3);
    const isQuery = message.qr === 0;
    const client = isQuery ? source : target;
    const server = isQuery ? target : source;
    const port = isQuery ? packet.sourcePort : packet.destinationPort;
    const type = typeName(question.type);
    const key = `${client} ${port} ${server} ${message.id} ${question.name.toLowerCase()} ${type}`;
    const asked = this.waiting.get(key);
    if (isQuery) {
      // Without RD it is a resolver's own: no client waits for it.
      if (!message.rd) return;
      // RFC 1035 4.2.1: a question that is repeated waits since the first time.
      if (asked !== undefined) return;
      const lookup: Lookup = {
        name: question.name,
        type,
        client,
        server,
        startMs: at,
        endMs: undefined,
        ttl: null,
        negative: false,
        rcode: undefined,
        records: [],
        response: undefined,
        addresses: [],
      };
      this.lookups.push(lookup);
      this.waiting.set(key, lookup);
      return;
    }
    if (asked === undefined) return;
    this.waiting.delete(key);
    asked.endMs = at;
    asked.rcode = message.rcode;
    asked.response = bytes;
    asked.records = recordTexts(message.answers);
    const answers = message.answers;
    asked.negative = message.rcode === 3 || (message.rcode === 0 && answers.length === 0);
    if (asked.negative) {
      const soa = message.authority.find((record) => record.type === 6);
      const minimum = (soa?.rdata as { minimum?: number } | undefined)?.minimum;
      if (soa !== undefined) asked.ttl = Math.min(soa.ttl, minimum ?? soa.ttl);
    } else if (answers.length > 0) asked.ttl = Math.min(...answers.map(({ ttl }) => ttl));
    asked.addresses = answers.flatMap((record) => {
      const address = (record.rdata as { address?: string } | undefined)?.address;
      return address === undefined ? [] : [address];
    });
  }
}

/** Records without their times to live, in an order of their own. */
export function recordTexts(records: readonly ResourceRecord[]): string[] {
  return records
    .map(
      (record) =>
        `${record.name.toLowerCase()} ${typeName(record.type)} ${formatRdata(record.type, record.rdata)}`,
    )
    .sort();
}

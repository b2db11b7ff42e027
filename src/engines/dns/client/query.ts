/** Questions as a client puts them: header bits and EDNS options. RFC 1035 4.1, RFC 6891 6. */
import type { DnsMessage, Edns, EdnsOption } from "../../../codecs/dns/index.ts";
import { CLASS, encode, OPCODE, RCODE } from "../../../codecs/dns/index.ts";
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import { hex } from "../../../codecs/reader.ts";
import type { Random } from "../../host.ts";

/** RFC 9715 3: what passes without fragments. */
export const DEFAULT_UDP_SIZE = 1232;
export const OPTION = { NSID: 3, CLIENT_SUBNET: 8, COOKIE: 10, PADDING: 12, EDE: 15 } as const;
/** RFC 8467 4.1: queries are padded to a multiple of 128 octets. */
const PADDING_BLOCK = 128;

export interface QueryOptions {
  readonly class?: number;
  readonly opcode?: number;
  readonly rd?: boolean;
  readonly ad?: boolean;
  readonly cd?: boolean;
  /** False: no OPT at all. */
  readonly edns?: boolean;
  readonly udpSize?: number;
  /** DO: signatures are wanted. RFC 3225. */
  readonly dnssec?: boolean;
  readonly nsid?: boolean;
  /** A client cookie is sent. RFC 7873. */
  readonly cookie?: boolean;
  /** `192.0.2.0/24`. RFC 7871. */
  readonly subnet?: string;
  /** RFC 7830, 8467. */
  readonly padding?: boolean;
}

/** The message; its identifier and cookie are drawn from `random`. */
export function clientQuery(
  name: string,
  type: number,
  options: QueryOptions,
  random: Random,
): DnsMessage {
  const edns = options.edns === false ? undefined : ednsOf(options, random);
  const message: DnsMessage = {
    id: random.below(0x10000),
    qr: 0,
    opcode: options.opcode ?? OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    aa: false,
    tc: false,
    rd: options.rd ?? true,
    ra: false,
    ad: options.ad ?? true,
    cd: options.cd ?? false,
    questions: [{ name, type, class: options.class ?? CLASS.IN }],
    answers: [],
    authority: [],
    additional: [],
    ...(edns === undefined ? {} : { edns }),
  };
  return options.padding === true && edns !== undefined ? padded(message, edns) : message;
}

function ednsOf(options: QueryOptions, random: Random): Edns {
  const list: EdnsOption[] = [];
  if (options.nsid === true) list.push({ code: OPTION.NSID, data: "" });
  if (options.subnet !== undefined)
    list.push({ code: OPTION.CLIENT_SUBNET, data: subnetData(options.subnet) });
  if (options.cookie === true) {
    const cookie = new Uint8Array(8);
    random.bytes(cookie);
    list.push({ code: OPTION.COOKIE, data: hex(cookie, 0, 8) });
  }
  return {
    udpSize: options.udpSize ?? DEFAULT_UDP_SIZE,
    version: 0,
    do: options.dnssec ?? false,
    options: list,
  };
}

function padded(message: DnsMessage, edns: Edns): DnsMessage {
  const withOption = (octets: number): DnsMessage => ({
    ...message,
    edns: {
      ...edns,
      options: [...edns.options, { code: OPTION.PADDING, data: "00".repeat(octets) }],
    },
  });
  const length = encode(withOption(0)).length;
  return withOption((PADDING_BLOCK - (length % PADDING_BLOCK)) % PADDING_BLOCK);
}

/** RFC 7871 6: family, prefix lengths, and the octets that the prefix covers. @throws RangeError */
export function subnetData(text: string): string {
  const [address = "", length] = text.split("/");
  const v4 = parseIpv4(address);
  const octets = v4 ?? parseIpv6(address);
  const most = v4 === undefined ? 128 : 32;
  const prefix = length === undefined ? most : Number(length);
  if (
    octets === undefined ||
    !Number.isInteger(prefix) ||
    prefix < 0 ||
    prefix > most ||
    length === ""
  )
    throw new RangeError(`${text} is no ADDRESS/PREFIX`);
  const kept = octets.slice(0, Math.ceil(prefix / 8));
  const spare = kept.length * 8 - prefix;
  if (spare > 0) kept[kept.length - 1] = (kept.at(-1) as number) & (0xff << spare);
  const family = v4 === undefined ? 2 : 1;
  const head = Uint8Array.of(0, family, prefix, 0);
  return hex(head, 0, 4) + hex(kept, 0, kept.length);
}

/** The message to the client. RFC 1035 4.1.1, RFC 4035 3.2 (AD, CD, DO), RFC 8914, RFC 7871 7.2. */
import type { DnsMessage, EdnsOption, ResourceRecord } from "../../../codecs/dns/index.ts";
import { encode, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { hex } from "../../../codecs/reader.ts";
import { utf8Bytes } from "../../../codecs/writer.ts";
import { recordsOf } from "../dnssec/rrset.ts";
import type { CachedSet, Explanation } from "./cache.ts";
import type { ResolverOptions } from "./options.ts";
import type { Resolution } from "./resolve.ts";
import { EDE } from "./store.ts";
import { ECS, parseSubnet, subnetOption } from "./subnet.ts";

const NSID = 3;
const EXTENDED_ERROR = 15;

export function explainOption({ code, text }: Explanation): EdnsOption {
  const words = utf8Bytes(text);
  return {
    code: EXTENDED_ERROR,
    data: code.toString(16).padStart(4, "0") + hex(words, 0, words.length),
  };
}

/** A reply without records. */
export function bare(
  query: DnsMessage,
  rcode: number,
  options: ResolverOptions,
  explanations: readonly Explanation[] = [],
): DnsMessage {
  const edns = ednsFor(query, options, explanations, undefined);
  return {
    id: query.id,
    qr: 1,
    opcode: query.opcode,
    rcode: edns === undefined && rcode > 15 ? RCODE.SERVFAIL : rcode,
    aa: false,
    tc: false,
    rd: query.rd,
    ra: true,
    ad: false,
    cd: query.cd,
    questions: query.questions.slice(0, 1),
    answers: [],
    authority: [],
    additional: [],
    ...(edns === undefined ? {} : { edns }),
  };
}

function ednsFor(
  query: DnsMessage,
  options: ResolverOptions,
  explanations: readonly Explanation[],
  scope: number | undefined,
): DnsMessage["edns"] {
  if (query.edns === undefined) return undefined;
  const wanted = query.edns.options;
  const out: EdnsOption[] = [];
  if (options.nsid !== undefined && wanted.some(({ code }) => code === NSID))
    out.push({ code: NSID, data: options.nsid });
  const subnet = wanted.find(({ code }) => code === ECS);
  const parsed = subnet === undefined ? undefined : parseSubnet(subnet.data);
  if (parsed !== undefined && options.subnet !== undefined && scope !== undefined)
    out.push(
      subnetOption(
        parsed,
        Math.min(scope, parsed.family === 1 ? options.subnet.maxIpv4 : options.subnet.maxIpv6),
      ),
    );
  if (options.ede) for (const one of explanations) out.push(explainOption(one));
  return { udpSize: options.udpSize, version: 0, do: query.edns.do, options: out };
}

export interface Answering {
  readonly options: ResolverOptions;
  readonly now: number;
}

export function respond(
  query: DnsMessage,
  result: Resolution,
  { options, now }: Answering,
): DnsMessage {
  const bogus = result.security === "bogus";
  if (bogus && !query.cd)
    return bare(query, RCODE.SERVFAIL, options, result.ede === undefined ? [] : [result.ede]);
  const explanations: Explanation[] = [];
  const stale = result.stale && options.serveStale !== undefined;
  if (stale && options.serveStale?.ede === true)
    explanations.push({
      code: result.rcode === RCODE.NXDOMAIN ? EDE.STALE_NXDOMAIN : EDE.STALE,
      text: "",
    });
  else if (result.ede !== undefined && (result.rcode === RCODE.SERVFAIL || bogus))
    explanations.push(result.ede);
  const wantsProofs = query.edns?.do === true;
  const secure = result.security === "secure" && options.validate && !query.cd;
  const ttl = (cached: CachedSet): number =>
    stale && cached.expires <= now
      ? Math.min(cached.set.ttl, options.serveStale?.answerTtl ?? 30)
      : Math.max(0, replyLeft(result, cached, now) ?? cached.expires - now);
  const type = query.questions[0]?.type;
  const emit = (sets: readonly CachedSet[]): ResourceRecord[] =>
    sets.flatMap((cached) =>
      recordsOf(cached.set, ttl(cached), wantsProofs || type === TYPE.RRSIG || type === TYPE.ANY),
    );
  const answer = answerOf(result);
  const authority = authorityOf(result, query, options, secure);
  const additional = options.minimalResponses
    ? []
    : result.additional.filter((one) => stale || one.expires > now);
  const base = bare(query, result.rcode, options, []);
  const edns = ednsFor(query, options, explanations, result.scope ?? 0);
  return {
    ...base,
    ad: secure && (query.ad || wantsProofs),
    answers: emit(answer),
    authority: emit(authority),
    additional: emit(additional),
    ...(edns === undefined ? {} : { edns }),
  };
}

/** RFC 2308 3: the SOA of a negative answer is told with that answer's TTL. */
function replyLeft(result: Resolution, cached: CachedSet, now: number): number | undefined {
  if (cached.set.type !== TYPE.SOA || result.answer.includes(cached)) return undefined;
  const last = result.parts[result.parts.length - 1];
  return last === undefined ? undefined : last.expires - now;
}

/** A chain that comes back to itself is told once. */
function answerOf(result: Resolution): CachedSet[] {
  const seen = new Set<string>();
  return result.answer.filter(({ set }) => {
    const id = `${set.key} ${set.type}`;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

const PROOFS: ReadonlySet<number> = new Set([TYPE.NSEC, TYPE.NSEC3]);

function authorityOf(
  result: Resolution,
  query: DnsMessage,
  options: ResolverOptions,
  secure: boolean,
): CachedSet[] {
  const negative = result.rcode === RCODE.NXDOMAIN || !answersQuestion(result, query);
  return result.authority.filter(({ set, security }) => {
    if (PROOFS.has(set.type)) return query.edns?.do === true;
    // RFC 4035 3.2.3: AD speaks for the authority section too.
    if (secure && set.type === TYPE.NS && security !== "secure") return false;
    if (set.type === TYPE.SOA) return negative;
    return !options.minimalResponses && set.type !== TYPE.DS;
  });
}

function answersQuestion(result: Resolution, query: DnsMessage): boolean {
  const type = query.questions[0]?.type;
  return result.answer.some(({ set }) => set.type === type || type === TYPE.ANY);
}

/** Octets for UDP: whole, or cut to nothing with TC set (RFC 2181 9). */
export function fitted(message: DnsMessage, limit: number): Uint8Array {
  const whole = encode(message);
  if (whole.length <= limit) return whole;
  const small = encode({ ...message, additional: [] });
  if (small.length <= limit) return small;
  return encode({ ...message, tc: true, answers: [], authority: [], additional: [] });
}

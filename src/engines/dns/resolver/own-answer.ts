/** Clients' questions that zones of the resolver's own answer: RFC 1034 4.3.2, RFC 1996 3.7 (NOTIFY). */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { keyOf, parentOf } from "../dnssec/names.ts";
import type { ResolverOptions } from "./options.ts";
import { bare } from "./respond.ts";

/** Undefined: it is to be resolved. */
export function ownAnswer(query: DnsMessage, options: ResolverOptions): DnsMessage | undefined {
  const { ownZones } = options;
  const [question] = query.questions;
  if (ownZones === undefined || question === undefined) return undefined;
  const key = keyOf(question.name);
  // RFC 4035 3.1.4.1: the parent has the DS.
  const at = question.type === TYPE.DS && key !== "." ? parentOf(key) : key;
  const zone = ownZones.downstream(at);
  if (zone === undefined) return undefined;
  const told = ownZones.ask(zone, question.name, question.type, query.edns?.do === true);
  if (told === undefined)
    return zone.fallback ? undefined : { ...bare(query, RCODE.SERVFAIL, options), aa: true };
  // A referral, or an alias that leads out of the zone, is half an answer for who wants it whole.
  if (query.rd && (!told.aa || leavesOpen(told, question.type))) return undefined;
  return {
    ...bare(query, told.rcode, options),
    aa: told.aa,
    answers: told.answers,
    authority: told.authority,
    additional: options.minimalResponses ? [] : told.additional,
  };
}

function leavesOpen({ rcode, answers, authority }: DnsMessage, type: number): boolean {
  if (rcode !== RCODE.NOERROR || type === TYPE.CNAME || type === TYPE.ANY) return false;
  const alias = answers.some((record) => record.type === TYPE.CNAME);
  return alias && !answers.some((record) => record.type === type) && authority.length === 0;
}

/** RFC 1996 3.7: told of a change, or not for us. */
export function notified(
  query: DnsMessage,
  client: string,
  options: ResolverOptions,
): DnsMessage | undefined {
  const { ownZones } = options;
  const [question] = query.questions;
  if (ownZones === undefined) return undefined;
  if (question === undefined || query.questions.length !== 1)
    return bare(query, RCODE.FORMERR, options);
  return bare(query, ownZones.onNotify(keyOf(question.name), client), options);
}

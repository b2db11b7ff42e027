/** Where the aliases of an answer lead. RFC 1034 3.6.2. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { keyOf } from "../dnssec/names.ts";
import { targetOf } from "../dnssec/rrset.ts";
import type { Reply } from "./cache.ts";

/** The end of the chain in an answer: the name whose absence or presence it shows. */
export function chainEnd(reply: Reply): { name: string; complete: boolean } {
  let name = reply.name;
  let complete = false;
  for (const { set } of reply.answer) {
    if (
      set.type === TYPE.CNAME &&
      reply.type !== TYPE.CNAME &&
      reply.type !== TYPE.ANY &&
      set.key === name
    )
      name = keyOf(targetOf(set.rdatas[0] as never) ?? name);
    else if (set.key === name && (set.type === reply.type || reply.type === TYPE.ANY))
      complete = true;
  }
  return { name, complete };
}

/** The name that an alias leads to; undefined when the reply is the end. */
export function nextName(reply: Reply): string | undefined {
  if (reply.answer.length === 0 || reply.rcode !== RCODE.NOERROR) return undefined;
  const { name, complete } = chainEnd(reply);
  return complete || name === reply.name ? undefined : name;
}

/** Root key trust anchor sentinel: RFC 8509. */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { TYPE } from "../../../codecs/dns/index.ts";
import type { Ds } from "../dnssec/keys.ts";
import { keyTag } from "../dnssec/keys.ts";
import { firstLabel, keyOf } from "../dnssec/names.ts";
import type { Core } from "./core.ts";

export interface Sentinel {
  readonly isTrustAnchor: boolean;
  readonly tag: number;
}

/** RFC 8509 2: the label, five digits, for A and AAAA. */
export function sentinelOf(query: DnsMessage): Sentinel | undefined {
  const question = query.questions[0];
  if (question === undefined || query.cd) return undefined;
  if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return undefined;
  const found = /^root-key-sentinel-(is|not)-ta-(\d{5})$/.exec(firstLabel(keyOf(question.name)));
  if (found === null) return undefined;
  return { isTrustAnchor: found[1] === "is", tag: Number(found[2]) };
}

/** RFC 8509 2.2. */
export function sentinelFails(core: Core, { isTrustAnchor, tag }: Sentinel): boolean {
  const trusted = core.options.anchors.some(
    ({ name, type, rdata }) =>
      name === "." && tag === (type === TYPE.DS ? (rdata as Ds).keyTag : keyTag(rdata)),
  );
  return isTrustAnchor ? !trusted : trusted;
}

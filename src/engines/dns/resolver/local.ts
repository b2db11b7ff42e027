/** Names that are answered here and never asked for outside. RFC 6303 (AS112), 6761, 7534, 7686. */
import type { DnsMessage, ResourceRecord } from "../../../codecs/dns/index.ts";
import { CLASS, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { isWithin, keyOf } from "../dnssec/names.ts";
import type { ResolverOptions } from "./options.ts";
import { bare } from "./respond.ts";

/** RFC 6303 4; the zones of RFC 6761 and RFC 7686 deny all names. */
const EMPTY_ZONES: readonly string[] = [
  "10.in-addr.arpa.",
  ...Array.from({ length: 16 }, (_, i) => `${16 + i}.172.in-addr.arpa.`),
  "168.192.in-addr.arpa.",
  "0.in-addr.arpa.",
  "127.in-addr.arpa.",
  "254.169.in-addr.arpa.",
  "2.0.192.in-addr.arpa.",
  "100.51.198.in-addr.arpa.",
  "113.0.203.in-addr.arpa.",
  "255.255.255.255.in-addr.arpa.",
  `${"0.".repeat(32)}ip6.arpa.`,
  `1.${"0.".repeat(31)}ip6.arpa.`,
  "d.f.ip6.arpa.",
  "8.e.f.ip6.arpa.",
  "9.e.f.ip6.arpa.",
  "a.e.f.ip6.arpa.",
  "b.e.f.ip6.arpa.",
  "8.b.d.0.1.0.0.2.ip6.arpa.",
  "test.",
  "invalid.",
  "onion.",
];
const TTL = 10_800;

/** Undefined: it is a name for the servers. Zones with configured servers are theirs. */
export function localAnswer(query: DnsMessage, options: ResolverOptions): DnsMessage | undefined {
  if (!options.localZones) return undefined;
  const question = query.questions[0];
  if (question === undefined) return undefined;
  const name = keyOf(question.name);
  for (const lie of options.lies) if (keyOf(lie.name) === name) return told(query, options, lie);
  if (isWithin(name, "localhost.")) return localhost(query, options, question.type);
  const zone = EMPTY_ZONES.find((one) => isWithin(name, one));
  if (zone === undefined) return undefined;
  // The DS is the parent's to deny.
  if (name === zone && question.type === TYPE.DS) return undefined;
  const own = options.ownZones?.upstream(name);
  const given = [...options.stubs, ...options.forwards, ...(own === undefined ? [] : [own])].some(
    (one) => isWithin(name, keyOf(one.zone)) && one.zone !== ".",
  );
  return given ? undefined : empty(query, options, zone, name, question.type);
}

function told(
  query: DnsMessage,
  options: ResolverOptions,
  lie: { readonly name: string; readonly address: string },
): DnsMessage {
  const type = lie.address.includes(":") ? TYPE.AAAA : TYPE.A;
  const asked = query.questions[0]?.type;
  const base = bare(query, RCODE.NOERROR, { ...options, ede: false });
  if (asked !== type) return base;
  return { ...base, answers: [address(query.questions[0]?.name ?? lie.name, type, lie.address)] };
}

function address(name: string, type: number, text: string): ResourceRecord {
  return { name, type, class: CLASS.IN, ttl: TTL, rdata: { address: text } };
}

/** RFC 6761 6.3. */
function localhost(query: DnsMessage, options: ResolverOptions, type: number): DnsMessage {
  const base = bare(query, RCODE.NOERROR, options);
  const { name } = query.questions[0] as { name: string };
  if (type === TYPE.A) return { ...base, aa: true, answers: [address(name, TYPE.A, "127.0.0.1")] };
  if (type === TYPE.AAAA) return { ...base, aa: true, answers: [address(name, TYPE.AAAA, "::1")] };
  return { ...base, aa: true, authority: [soa("localhost.")] };
}

function soa(zone: string): ResourceRecord {
  return {
    name: zone,
    type: TYPE.SOA,
    class: CLASS.IN,
    ttl: TTL,
    rdata: {
      mname: "localhost.",
      rname: "nobody.invalid.",
      serial: 1,
      refresh: 3600,
      retry: 1200,
      expire: 604_800,
      minimum: TTL,
    },
  };
}

/** RFC 6303 3: SOA and NS at the apex, nothing else. */
function empty(
  query: DnsMessage,
  options: ResolverOptions,
  zone: string,
  name: string,
  type: number,
): DnsMessage {
  const base = {
    ...bare(query, name === zone ? RCODE.NOERROR : RCODE.NXDOMAIN, options),
    aa: true,
  };
  if (name === zone && type === TYPE.SOA) return { ...base, answers: [soa(zone)] };
  if (name === zone && type === TYPE.NS)
    return {
      ...base,
      answers: [{ name: zone, type, class: CLASS.IN, ttl: TTL, rdata: { host: "localhost." } }],
    };
  return { ...base, authority: [soa(zone)] };
}

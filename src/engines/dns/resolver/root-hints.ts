/** The servers of the root, and its keys. Sources: IANA named.root, IANA root-anchors.xml. */
import type { ResourceRecord } from "../../../codecs/dns/index.ts";
import { CLASS, TYPE } from "../../../codecs/dns/index.ts";
import type { RootHint } from "./options.ts";

const ADDRESSES: readonly (readonly [letter: string, ipv4: string, ipv6: string])[] = [
  ["a", "198.41.0.4", "2001:503:ba3e::2:30"],
  ["b", "170.247.170.2", "2801:1b8:10::b"],
  ["c", "192.33.4.12", "2001:500:2::c"],
  ["d", "199.7.91.13", "2001:500:2d::d"],
  ["e", "192.203.230.10", "2001:500:a8::e"],
  ["f", "192.5.5.241", "2001:500:2f::f"],
  ["g", "192.112.36.4", "2001:500:12::d0d"],
  ["h", "198.97.190.53", "2001:500:1::53"],
  ["i", "192.36.148.17", "2001:7fe::53"],
  ["j", "192.58.128.30", "2001:503:c27::2:30"],
  ["k", "193.0.14.129", "2001:7fd::1"],
  ["l", "199.7.83.42", "2001:500:9f::42"],
  ["m", "202.12.27.33", "2001:dc3::35"],
];

export const ROOT_HINTS: readonly RootHint[] = ADDRESSES.map(([letter, ipv4, ipv6]) => ({
  name: `${letter}.root-servers.net.`,
  addresses: [ipv4, ipv6],
}));

/** KSK-2017 and KSK-2024. */
export const ROOT_ANCHORS: readonly ResourceRecord[] = [
  [20_326, "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"],
  [38_696, "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"],
].map(([keyTag, digest]) => ({
  name: ".",
  type: TYPE.DS,
  class: CLASS.IN,
  ttl: 172_800,
  rdata: { keyTag: keyTag as number, algorithm: 8, digestType: 2, digest: digest as string },
}));

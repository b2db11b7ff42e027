/** Numbers of the link and network layers. IANA registries; pcap link types from the tcpdump.org list. */

export const LINK = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  PPP_HDLC: 50,
  PPPOE: 51,
  RAW: 101,
  C_HDLC: 104,
  IEEE802_11: 105,
  LOOP: 108,
  LINUX_SLL: 113,
  RADIOTAP: 127,
  PPI: 192,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** Names as capture tools print them, by link type. */
export const LINK_NAMES: ReadonlyMap<number, string> = new Map([
  [LINK.NULL, "null"],
  [LINK.ETHERNET, "ethernet"],
  [LINK.PPP, "ppp"],
  [LINK.RAW_BSD, "raw"],
  [LINK.RAW_OPENBSD, "raw"],
  [LINK.PPP_HDLC, "ppp-hdlc"],
  [LINK.PPPOE, "pppoe"],
  [LINK.RAW, "raw"],
  [LINK.C_HDLC, "c-hdlc"],
  [LINK.IEEE802_11, "802.11"],
  [LINK.LOOP, "loop"],
  [LINK.LINUX_SLL, "sll"],
  [LINK.RADIOTAP, "802.11-radiotap"],
  [LINK.PPI, "ppi"],
  [LINK.IPV4, "raw4"],
  [LINK.IPV6, "raw6"],
  [LINK.LINUX_SLL2, "sll2"],
]);

export const ETHERTYPE = {
  IPV4: 0x0800,
  VLAN: 0x8100,
  PPP: 0x880b,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_SESSION: 0x8864,
  PROVIDER_BRIDGE: 0x88a8,
  ERSPAN: 0x88be,
  ERSPAN_III: 0x22eb,
  QINQ_OLD: 0x9100,
  QINQ_OLDER: 0x9200,
  TRANSPARENT_ETHERNET: 0x6558,
} as const;

export const IP_PROTOCOL = {
  HOP_BY_HOP: 0,
  ICMP: 1,
  IPV4: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  AH: 51,
  ICMPV6: 58,
  DESTINATION: 60,
  ETHERIP: 97,
  MOBILITY: 135,
  HIP: 139,
  SHIM6: 140,
  MPLS: 137,
} as const;

export const TUNNEL_PORT = { VXLAN: 4789, GTP_U: 2152, TEREDO: 3544, GENEVE: 6081 } as const;

export const TCP_FLAG = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
} as const;

/** Pseudo-ethertypes, below all real ones, for what has no number of its own. */
export const NEXT = { NONE: -1, ETHERNET: -2, IP: -3, MALFORMED: -4, PPP: -5 } as const;

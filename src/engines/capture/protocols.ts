/** The protocols that the analyser knows, in the order in which content is tried. */

import { bittorrent } from "./dissect/bittorrent.ts";
import { dht } from "./dissect/dht.ts";
import { dns, dnsStream, llmnr, mdns } from "./dissect/dns.ts";
import { http } from "./dissect/http.ts";
import {
  bannered,
  dhcp,
  dhcpv6,
  dtls,
  h225ras,
  h323,
  netbiosNs,
  ntp,
  quic,
  snmp,
  ssdp,
  syslog,
  telnet,
  tls,
} from "./dissect/named.ts";
import { rtcp, rtp } from "./dissect/rtp.ts";
import { sip, sipStream } from "./dissect/sip.ts";
import { framedStunStream, stun, stunStream } from "./dissect/stun.ts";
import { tracker } from "./dissect/tracker.ts";
import { utp } from "./dissect/utp.ts";
import type { DatagramProtocol, StreamProtocol } from "./dissector.ts";

/** Strong marks first; weak ones last. */
export const DATAGRAM_PROTOCOLS: readonly DatagramProtocol[] = [
  sip,
  stun,
  dht,
  tracker,
  dtls,
  rtcp,
  rtp,
  quic,
  ntp,
  dhcp,
  dhcpv6,
  ssdp,
  netbiosNs,
  syslog,
  snmp,
  h225ras,
  dns,
  mdns,
  llmnr,
  utp,
];

export const STREAM_PROTOCOLS: readonly StreamProtocol[] = [
  tls,
  bittorrent,
  http,
  sipStream,
  stunStream,
  framedStunStream,
  bannered,
  telnet,
  h323,
  dnsStream,
];

/** Ports that belong to one protocol so surely that even damaged messages there are of it. */
export const UDP_PORTS: ReadonlyMap<number, string> = new Map([
  [53, "dns"],
  [5353, "mdns"],
  [5355, "llmnr"],
]);

export const TCP_PORTS: ReadonlyMap<number, string> = new Map([[53, "dns"]]);

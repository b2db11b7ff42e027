/** Link, network and transport headers of captured packets. */
export type { IpOptions, TcpOptions, UdpOptions } from "./build.ts";
export { checksum, ethernetFrame, ipPacket, tcpPacket, udpPacket } from "./build.ts";
export { ETHERTYPE, IP_PROTOCOL, LINK, LINK_NAMES, TCP_FLAG } from "./constants.ts";
export { OUTCOME, Packet } from "./packet.ts";

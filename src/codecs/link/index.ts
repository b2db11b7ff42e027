/** Link, network and transport headers of captured packets. */
export { ETHERTYPE, IP_PROTOCOL, LINK, LINK_NAMES, TCP_FLAG } from "./constants.ts";
export { OUTCOME, Packet } from "./packet.ts";

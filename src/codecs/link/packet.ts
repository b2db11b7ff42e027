/**
 * The headers of one captured packet, from the link to the transport layer, tunnels included.
 *
 * One mutable object is reused for all packets (no object per packet on the bulk path): `decode`
 * walks down and leaves the innermost addresses, ports and the payload's range in the fields.
 * It never throws and never reads outside [start, end).
 */
import { ETHERTYPE as E, LINK, NEXT, IP_PROTOCOL as P, TUNNEL_PORT as T } from "./constants.ts";
import { linkPayload } from "./frame.ts";
import { grePayload, gtpPayload, mplsPayload, teredoPayload } from "./tunnel.ts";

/** What a walk ended with. */
export const OUTCOME = {
  /** No transport payload: ARP, ICMP that quotes nothing, an unknown link type ... */
  NONE: 0,
  UDP: 1,
  TCP: 2,
  /** An IP fragment: see the fragment fields. */
  FRAGMENT: 3,
  /** A header is cut or contradicts itself. */
  MALFORMED: 4,
} as const;

/** Headers inside headers, tunnels and tags counted. Ethernet in GRE in IP in VXLAN needs some 10. */
const MAX_LAYERS = 24;

export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
  /** Innermost addresses as 32-bit big-endian words; IPv4 in the first. */
  family = 0;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** IP protocol number of the transport. */
  protocol = 0;
  /** Payload of the transport (or of the fragment): [start, end) of `bytes`. */
  start = 0;
  end = 0;
  /** Bytes of that payload that the capture does not hold (snaplen). */
  missing = 0;
  /** Inside the copy of a packet that an ICMP error carries. RFC 792, RFC 4443. */
  quoted = false;
  /** Octets of the innermost IP packet as its header tells them, or as captured where it does not. */
  ipBytes = 0;
  /** Index of the TCP header, and its fields. */
  header = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  /** Fragment fields: identification, byte offset, whether more follow. */
  fragmentId = 0;
  fragmentOffset = 0;
  moreFragments = false;
  /** Outermost VLAN id, or -1. */
  vlan = -1;

  private layers = 0;

  /** Walks the frame at [start, end). Returns one of OUTCOME. */
  decode(linkType: number, bytes: Uint8Array, start: number, end: number): number {
    this.bytes = bytes;
    this.family = 0;
    this.quoted = false;
    this.missing = 0;
    this.vlan = -1;
    this.layers = 0;
    if (linkType === LINK.ETHERNET) return this.ethernet(start, end);
    const next = linkPayload(linkType, bytes, start, end);
    return this.next(next.type, next.at, end);
  }

  /** Goes on with a reassembled datagram: `bytes` is the payload of IP `protocol`. */
  resume(bytes: Uint8Array, protocol: number): number {
    this.bytes = bytes;
    this.missing = 0;
    return this.transport(protocol, 0, bytes.length);
  }

  private ethernet(start: number, end: number): number {
    if (end - start < 14) return OUTCOME.MALFORMED;
    const { bytes } = this;
    let at = start + 14;
    let type = ((bytes[start + 12] as number) << 8) | (bytes[start + 13] as number);
    while (
      type === E.VLAN ||
      type === E.PROVIDER_BRIDGE ||
      type === E.QINQ_OLD ||
      type === E.QINQ_OLDER
    ) {
      if (at + 4 > end) return OUTCOME.MALFORMED;
      if (this.vlan < 0)
        this.vlan = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) & 0xfff;
      type = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      at += 4;
    }
    if (type <= 1500) return this.llc(at, Math.min(end, at + type));
    return this.next(type, at, end);
  }

  /** IEEE 802.2 with SNAP (RFC 1042), or IP straight over its SAP. */
  private llc(at: number, end: number): number {
    const { bytes } = this;
    if (end - at < 3) return OUTCOME.NONE;
    if (bytes[at] === 0xaa && bytes[at + 1] === 0xaa && end - at >= 8) {
      return this.next(((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number), at + 8, end);
    }
    if (bytes[at] === 0x06 && bytes[at + 1] === 0x06) return this.next(NEXT.IP, at + 3, end);
    return OUTCOME.NONE;
  }

  /** Dispatches on an ethertype or a pseudo-type of NEXT. */
  private next(type: number, at: number, end: number): number {
    if (++this.layers > MAX_LAYERS) return OUTCOME.MALFORMED;
    const { bytes } = this;
    switch (type) {
      case E.IPV4:
      case E.IPV6:
      case NEXT.IP:
        return this.ip(at, end);
      case NEXT.ETHERNET:
      case E.TRANSPARENT_ETHERNET:
        return this.ethernet(at, end);
      case NEXT.MALFORMED:
        return OUTCOME.MALFORMED;
      case E.MPLS:
      case E.MPLS_MULTICAST: {
        const inner = mplsPayload(bytes, at, end);
        return this.next(inner.type, inner.at, end);
      }
      case E.PPPOE_SESSION:
        // RFC 2516 4: version, code, session, length; then PPP without its framing.
        if (at + 6 > end) return OUTCOME.MALFORMED;
        return this.ppp(at + 6, end);
      case E.PPP:
      case NEXT.PPP:
        return this.ppp(at, end);
      case E.VLAN:
      case E.PROVIDER_BRIDGE:
        if (at + 4 > end) return OUTCOME.MALFORMED;
        if (this.vlan < 0) {
          this.vlan = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) & 0xfff;
        }
        return this.next(((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number), at + 4, end);
      default:
        if (type >= 0 && type <= 1500 && type > 4) return this.llc(at, end);
        return OUTCOME.NONE;
    }
  }

  /** RFC 1661 2, with RFC 1662's address and control bytes and compressed protocol fields. */
  private ppp(at: number, end: number): number {
    const { bytes } = this;
    if (at + 2 > end) return OUTCOME.MALFORMED;
    if (bytes[at] === 0xff && bytes[at + 1] === 0x03) at += 2;
    if (at >= end) return OUTCOME.MALFORMED;
    let protocol = bytes[at++] as number;
    if ((protocol & 1) === 0) {
      if (at >= end) return OUTCOME.MALFORMED;
      protocol = (protocol << 8) | (bytes[at++] as number);
    }
    if (protocol === 0x21 || protocol === 0x57) return this.next(NEXT.IP, at, end);
    if (protocol === 0x281 || protocol === 0x283) return this.next(E.MPLS, at, end);
    return OUTCOME.NONE;
  }

  private ip(at: number, end: number): number {
    if (at >= end) return OUTCOME.MALFORMED;
    const version = (this.bytes[at] as number) >> 4;
    if (version === 4) return this.ipv4(at, end);
    if (version === 6) return this.ipv6(at, end);
    return OUTCOME.MALFORMED;
  }

  /** RFC 791 3.1. */
  private ipv4(at: number, end: number): number {
    const { bytes } = this;
    const header = ((bytes[at] as number) & 0x0f) * 4;
    if (header < 20 || at + header > end) return OUTCOME.MALFORMED;
    const total = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    this.family = 4;
    this.s0 = word(bytes, at + 12);
    this.d0 = word(bytes, at + 16);
    // A total length of 0 is what segmentation offload leaves in captures of the sending host.
    if (total !== 0 && total < header) return OUTCOME.MALFORMED;
    const declared = total === 0 ? end : at + total;
    this.missing = declared > end ? declared - end : 0;
    this.ipBytes = declared - at;
    const stop = declared > end ? end : declared;
    const fragment = ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number);
    const protocol = bytes[at + 9] as number;
    if ((fragment & 0x3fff) !== 0) {
      if (this.quoted) {
        if ((fragment & 0x1fff) !== 0) return OUTCOME.NONE;
      } else {
        this.protocol = protocol;
        this.fragmentId = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
        this.fragmentOffset = (fragment & 0x1fff) * 8;
        this.moreFragments = (fragment & 0x2000) !== 0;
        this.start = at + header;
        this.end = stop;
        return OUTCOME.FRAGMENT;
      }
    }
    return this.transport(protocol, at + header, stop);
  }

  /** RFC 8200 3 and 4. */
  private ipv6(at: number, end: number): number {
    const { bytes } = this;
    if (at + 40 > end) return OUTCOME.MALFORMED;
    this.family = 6;
    this.s0 = word(bytes, at + 8);
    this.s1 = word(bytes, at + 12);
    this.s2 = word(bytes, at + 16);
    this.s3 = word(bytes, at + 20);
    this.d0 = word(bytes, at + 24);
    this.d1 = word(bytes, at + 28);
    this.d2 = word(bytes, at + 32);
    this.d3 = word(bytes, at + 36);
    const length = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
    const declared = length === 0 ? end : at + 40 + length;
    this.missing = declared > end ? declared - end : 0;
    this.ipBytes = declared - at;
    return this.ipv6Chain(bytes[at + 6] as number, at + 40, declared > end ? end : declared);
  }

  /** Extension headers: RFC 8200 4. */
  private ipv6Chain(protocol: number, at: number, end: number): number {
    const { bytes } = this;
    for (let n = 0; n < MAX_LAYERS; n++) {
      switch (protocol) {
        case P.HOP_BY_HOP:
        case P.ROUTING:
        case P.DESTINATION:
        case P.MOBILITY:
        case P.HIP:
        case P.SHIM6:
        case P.AH: {
          if (at + 8 > end) return OUTCOME.MALFORMED;
          const units = bytes[at + 1] as number;
          const length = protocol === P.AH ? (units + 2) * 4 : (units + 1) * 8;
          protocol = bytes[at] as number;
          at += length;
          if (at > end) return OUTCOME.MALFORMED;
          break;
        }
        case P.FRAGMENT: {
          if (at + 8 > end) return OUTCOME.MALFORMED;
          const offset = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
          const inner = bytes[at] as number;
          if ((offset & 0xfff9) === 0) {
            protocol = inner; // RFC 6946: an atomic fragment is whole.
            at += 8;
            break;
          }
          if (this.quoted) {
            if ((offset & 0xfff8) !== 0) return OUTCOME.NONE;
            protocol = inner;
            at += 8;
            break;
          }
          this.protocol = inner;
          this.fragmentId = word(bytes, at + 4);
          this.fragmentOffset = offset & 0xfff8;
          this.moreFragments = (offset & 1) !== 0;
          this.start = at + 8;
          this.end = end;
          return OUTCOME.FRAGMENT;
        }
        default:
          return this.transport(protocol, at, end);
      }
    }
    return OUTCOME.MALFORMED;
  }

  private transport(protocol: number, at: number, end: number): number {
    if (protocol === P.UDP) return this.udp(at, end);
    if (protocol === P.TCP) return this.tcp(at, end);
    if (++this.layers > MAX_LAYERS) return OUTCOME.MALFORMED;
    const { bytes } = this;
    switch (protocol) {
      case P.ICMP:
        return this.icmp(at, end, ICMP_ERRORS);
      case P.ICMPV6:
        return this.icmp(at, end, ICMPV6_ERRORS);
      case P.IPV4:
      case P.IPV6:
        return this.next(NEXT.IP, at, end);
      case P.GRE: {
        const inner = grePayload(bytes, at, end);
        return this.next(inner.type, inner.at, end);
      }
      case P.ETHERIP:
        return this.next(NEXT.ETHERNET, at + 2, end);
      case P.MPLS:
        return this.next(E.MPLS, at, end);
      case P.AH:
      case P.HOP_BY_HOP:
      case P.ROUTING:
      case P.DESTINATION:
      case P.FRAGMENT:
        // AH stands in IPv4 too; the others after a reassembled IPv6 fragment.
        return this.ipv6Chain(protocol, at, end);
      default:
        return OUTCOME.NONE;
    }
  }

  /** An error message quotes the packet that caused it: RFC 792, RFC 4443 3. */
  private icmp(at: number, end: number, errors: ReadonlySet<number>): number {
    if (this.quoted || at + 8 > end || !errors.has(this.bytes[at] as number)) return OUTCOME.NONE;
    this.quoted = true;
    return this.next(NEXT.IP, at + 8, end);
  }

  /** RFC 768. */
  private udp(at: number, end: number): number {
    const { bytes } = this;
    if (at + 8 > end) return OUTCOME.MALFORMED;
    this.protocol = P.UDP;
    this.sourcePort = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    this.destinationPort = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const length = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
    if (length !== 0 && length < 8) return OUTCOME.MALFORMED;
    const declared = length === 0 ? end : at + length;
    if (declared > end) this.missing = declared - end;
    this.start = at + 8;
    this.end = declared > end ? end : declared;
    if (this.sourcePort < 10000 || this.destinationPort < 10000) {
      return this.udpTunnel();
    }
    return OUTCOME.UDP;
  }

  /** Payload that is a packet again: VXLAN (RFC 7348), GTP-U (TS 29.281), Teredo (RFC 4380), GENEVE (RFC 8926). */
  private udpTunnel(): number {
    const { bytes, start, end } = this;
    const to = this.destinationPort;
    const from = this.sourcePort;
    if (this.quoted) return OUTCOME.UDP;
    if (to === T.VXLAN) {
      if (end - start >= 22 && (bytes[start] as number) === 0x08) {
        return this.next(NEXT.ETHERNET, start + 8, end);
      }
    } else if (to === T.GTP_U || from === T.GTP_U) {
      const at = gtpPayload(bytes, start, end);
      if (at > 0) return this.next(NEXT.IP, at, end);
    } else if (to === T.TEREDO || from === T.TEREDO) {
      const at = teredoPayload(bytes, start, end);
      if (at > 0) return this.next(NEXT.IP, at, end);
    } else if (to === T.GENEVE) {
      if (end - start >= 8 && (bytes[start] as number) >> 6 === 0) {
        const type = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
        const options = ((bytes[start] as number) & 0x3f) * 4;
        return this.next(type, start + 8 + options, end);
      }
    }
    return OUTCOME.UDP;
  }

  /** RFC 9293 3.1. */
  private tcp(at: number, end: number): number {
    const { bytes } = this;
    if (this.quoted && at + 8 <= end && at + 20 > end) return OUTCOME.NONE;
    if (at + 20 > end) return OUTCOME.MALFORMED;
    const header = ((bytes[at + 12] as number) >> 4) * 4;
    if (header < 20) return OUTCOME.MALFORMED;
    this.protocol = P.TCP;
    this.header = at;
    this.sourcePort = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    this.destinationPort = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    this.sequence = word(bytes, at + 4);
    this.acknowledgment = word(bytes, at + 8);
    this.flags = bytes[at + 13] as number;
    this.start = at + header > end ? end : at + header;
    this.end = end;
    return this.quoted ? OUTCOME.NONE : OUTCOME.TCP;
  }
}

/** ICMP types that quote a packet: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
/** ICMPv6: unreachable, too big, time exceeded, parameter problem. */
const ICMPV6_ERRORS: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

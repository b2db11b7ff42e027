import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ethernetFrame, ipPacket, tcpPacket, udpPacket } from "../../../src/codecs/link/build.ts";
import { LINK } from "../../../src/codecs/link/constants.ts";
import { OUTCOME, Packet } from "../../../src/codecs/link/packet.ts";
import { addressText } from "../../../src/engines/capture/flow.ts";

const payload = Uint8Array.from([1, 2, 3, 4, 5]);
const v4 = { src: "192.0.2.1", dst: "198.51.100.2", sport: 1111, dport: 2222 };
const v6 = { src: "2001:db8::1", dst: "2001:db8::2", sport: 1111, dport: 2222 };
const udp4 = udpPacket(v4, payload);
const udp6 = udpPacket(v6, payload);

function bytes(...parts: (readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function read(linkType: number, frame: Uint8Array): string {
  const p = new Packet();
  const outcome = p.decode(linkType, frame, 0, frame.length);
  if (outcome !== OUTCOME.UDP && outcome !== OUTCOME.TCP) return `outcome ${outcome}`;
  const from = addressText(p.family, p.s0, p.s1, p.s2, p.s3);
  const to = addressText(p.family, p.d0, p.d1, p.d2, p.d3);
  const data = [...p.bytes.slice(p.start, p.end)].join("");
  return `${from}:${p.sourcePort} ${to}:${p.destinationPort} ${data}${p.quoted ? " quoted" : ""}`;
}

const WANT4 = "192.0.2.1:1111 198.51.100.2:2222 12345";
const WANT6 = "2001:db8::1:1111 2001:db8::2:2222 12345";
const eth = ethernetFrame(udp4);
const outer = { src: "10.0.0.1", dst: "10.0.0.2" };
const zeros = (n: number) => new Array<number>(n).fill(0);

describe("links and tunnels", () => {
  it.each<[string, number, Uint8Array, string]>([
    ["Ethernet II", LINK.ETHERNET, eth, WANT4],
    ["Ethernet II, IPv6", LINK.ETHERNET, ethernetFrame(udp6), WANT6],
    ["802.1Q", LINK.ETHERNET, ethernetFrame(udp4, [7]), WANT4],
    ["802.1ad and deeper", LINK.ETHERNET, ethernetFrame(udp4, [1, 2, 3, 4]), WANT4],
    [
      "802.3 with SNAP",
      LINK.ETHERNET,
      bytes(eth.slice(0, 12), [0, udp4.length + 8, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], udp4),
      WANT4,
    ],
    ["padding behind the packet", LINK.ETHERNET, bytes(eth, zeros(9)), WANT4],
    ["raw IP", LINK.RAW, udp6, WANT6],
    ["BSD NULL, little-endian", LINK.NULL, bytes([2, 0, 0, 0], udp4), WANT4],
    ["BSD NULL, big-endian", LINK.NULL, bytes([0, 0, 0, 2], udp4), WANT4],
    ["OpenBSD LOOP, IPv6", LINK.LOOP, bytes([0, 0, 0, 24], udp6), WANT6],
    ["Linux SLL", LINK.LINUX_SLL, bytes(zeros(14), [8, 0], udp4), WANT4],
    ["Linux SLL2", LINK.LINUX_SLL2, bytes([0x86, 0xdd], zeros(18), udp6), WANT6],
    ["PPP with address and control", LINK.PPP, bytes([0xff, 3, 0, 0x21], udp4), WANT4],
    ["PPP, compressed protocol", LINK.PPP, bytes([0x57], udp6), WANT6],
    ["Cisco HDLC", LINK.C_HDLC, bytes([0x0f, 0, 8, 0], udp4), WANT4],
    [
      "PPPoE",
      LINK.ETHERNET,
      bytes(eth.slice(0, 12), [0x88, 0x64, 0x11, 0, 0, 1, 0, udp4.length + 2, 0, 0x21], udp4),
      WANT4,
    ],
    [
      "MPLS",
      LINK.ETHERNET,
      bytes(eth.slice(0, 12), [0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64], udp4),
      WANT4,
    ],
    [
      "MPLS pseudowire",
      LINK.ETHERNET,
      bytes(eth.slice(0, 12), [0x88, 0x47, 0, 2, 1, 64, 0, 0, 0, 0], eth),
      WANT4,
    ],
    [
      "802.11 with radiotap",
      LINK.RADIOTAP,
      bytes([0, 0, 8, 0, 0, 0, 0, 0, 0x08, 1], zeros(22), [0xaa, 0xaa, 3, 0, 0, 0, 8, 0], udp4),
      WANT4,
    ],
    [
      "802.11 QoS with PPI",
      LINK.PPI,
      bytes([0, 0, 8, 0, 105, 0, 0, 0, 0x88, 1], zeros(24), [0xaa, 0xaa, 3, 0, 0, 0, 8, 0], udp4),
      WANT4,
    ],
    ["IP in IP", LINK.RAW, ipPacket(outer, 4, udp4), WANT4],
    ["6in4", LINK.RAW, ipPacket(outer, 41, udp6), WANT6],
    [
      "GRE with key and sequence",
      LINK.RAW,
      ipPacket(outer, 47, bytes([0x30, 0, 8, 0], zeros(8), udp4)),
      WANT4,
    ],
    ["GRE with Ethernet", LINK.RAW, ipPacket(outer, 47, bytes([0, 0, 0x65, 0x58], eth)), WANT4],
    [
      "ERSPAN II",
      LINK.RAW,
      ipPacket(outer, 47, bytes([0x10, 0, 0x88, 0xbe], zeros(4), zeros(8), eth)),
      WANT4,
    ],
    [
      "ERSPAN III",
      LINK.RAW,
      ipPacket(outer, 47, bytes([0x10, 0, 0x22, 0xeb], zeros(4), zeros(12), eth)),
      WANT4,
    ],
    [
      "VXLAN",
      LINK.RAW,
      udpPacket({ ...outer, sport: 5000, dport: 4789 }, bytes([8, 0, 0, 0, 0, 0, 1, 0], eth)),
      WANT4,
    ],
    [
      "GTP-U with sequence",
      LINK.RAW,
      udpPacket(
        { ...outer, sport: 2152, dport: 2152 },
        bytes([0x32, 255, 0, 50, 0, 0, 0, 1, 0, 1, 0, 0], udp4),
      ),
      WANT4,
    ],
    [
      "Teredo with origin",
      LINK.RAW,
      udpPacket({ ...outer, sport: 3544, dport: 999 }, bytes([0, 0, 1, 2, 3, 4, 5, 6], udp6)),
      WANT6,
    ],
    [
      "GENEVE",
      LINK.RAW,
      udpPacket({ ...outer, sport: 5000, dport: 6081 }, bytes([0, 0, 0x65, 0x58, 0, 0, 0, 0], eth)),
      WANT4,
    ],
    [
      "ICMP unreachable quotes the packet",
      LINK.RAW,
      ipPacket(outer, 1, bytes([3, 3, 0, 0, 0, 0, 0, 0], udp4)),
      `${WANT4} quoted`,
    ],
    [
      "ICMPv6 quotes the packet",
      LINK.RAW,
      ipPacket({ src: "fe80::1", dst: "fe80::2" }, 58, bytes([1, 4, 0, 0, 0, 0, 0, 0], udp6)),
      `${WANT6} quoted`,
    ],
    ["ARP", LINK.ETHERNET, bytes(eth.slice(0, 12), [8, 6], zeros(28)), "outcome 0"],
  ])("%s", (_name, linkType, frame, want) => {
    expect(read(linkType, frame)).toBe(want);
  });

  it("RFC 8200 4: extension headers are walked over", () => {
    const inner = udp6.slice(40);
    const chain = bytes([43, 0], zeros(6), [60, 0], zeros(6), [17, 0, 1, 4, 0, 0, 0, 0], inner);
    expect(read(LINK.RAW, ipPacket(v6, 0, chain))).toBe(WANT6);
  });

  it("RFC 6946: an atomic IPv6 fragment is whole", () => {
    expect(read(LINK.RAW, ipPacket(v6, 44, bytes([17, 0, 0, 0, 0, 0, 0, 9], udp6.slice(40))))).toBe(
      WANT6,
    );
  });

  it("RFC 9293 3.1: options are walked over, a cut packet tells what is missing", () => {
    const tcp = tcpPacket(
      { ...v4, seq: 5, flags: 0x18, options: Uint8Array.from([1, 1, 1]) },
      payload,
    );
    const p = new Packet();
    expect(p.decode(LINK.RAW, tcp, 0, tcp.length - 2)).toBe(OUTCOME.TCP);
    expect([p.sequence, p.end - p.start, p.missing]).toEqual([5, 3, 2]);
  });

  it("any bytes on any link give an outcome inside the frame", () => {
    const links = fc.constantFrom(...Object.values(LINK), 9999);
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .tuple(
          fc.constantFrom(eth, udp6, udp4),
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
        )
        .map(([frame, edits]) => {
          const copy = frame.slice();
          for (const [at, value] of edits) copy[at % copy.length] = value;
          return copy;
        }),
    );
    fc.assert(
      fc.property(links, frames, (link, frame) => {
        const p = new Packet();
        const outcome = p.decode(link, frame, 0, frame.length);
        expect(outcome).toBeGreaterThanOrEqual(0);
        if (outcome === OUTCOME.UDP || outcome === OUTCOME.TCP || outcome === OUTCOME.FRAGMENT) {
          expect(p.start).toBeLessThanOrEqual(p.end);
          expect(p.end).toBeLessThanOrEqual(frame.length);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

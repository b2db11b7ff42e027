/** Options of a simulated segment, as octets for a trace: RFC 9293 3.2, RFC 7323, RFC 2018. */
import type { Packet } from "../packet.ts";
import { SYN } from "../packet.ts";
import { ADVERTISED_MSS, WINDOW_SHIFT } from "./constants.ts";

const MICROSECONDS = 1000;

export function optionBytes(packet: Packet): Uint8Array {
  const bytes: number[] = [];
  const stamps = [8, 10, ...word(packet.stamp), ...word(packet.echo)];
  if ((packet.flags & SYN) !== 0) {
    bytes.push(2, 4, ADVERTISED_MSS >> 8, ADVERTISED_MSS & 255, 4, 2, ...stamps);
    bytes.push(1, 3, 3, WINDOW_SHIFT);
  } else {
    bytes.push(1, 1, ...stamps);
    const { sacks } = packet;
    if (sacks !== undefined) {
      bytes.push(1, 1, 5, 2 + sacks.length * 4);
      for (const edge of sacks)
        bytes.push(edge >>> 24, (edge >>> 16) & 255, (edge >>> 8) & 255, edge & 255);
    }
  }
  return Uint8Array.from(bytes);
}

/** Timestamps tick in microseconds. */
function word(nanos: number): readonly number[] {
  const value = Math.floor(nanos / MICROSECONDS) % 2 ** 32;
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

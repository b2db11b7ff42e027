/** What a capture file says of itself, and what a walk over its packets tells. */
import type { Issue } from "../../codecs/errors.ts";
import { LINK_NAMES } from "../../codecs/link/constants.ts";
import type { CapturedPacket, CaptureInterface } from "../../codecs/pcap/capture.ts";
import type { Compression } from "./format.ts";
import { readCapture } from "./read.ts";

export interface InterfaceFacts {
  readonly link: string;
  readonly linkType: number;
  readonly snapLength: number;
  readonly timeDigits: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
  packets: number;
  /** As the capture's own statistics count them. */
  received?: number;
  dropped?: number;
}

export interface CaptureFacts {
  readonly file: string;
  readonly format: "pcap" | "pcapng";
  readonly detail: string;
  readonly compression?: Compression;
  readonly packets: number;
  /** Bytes captured, and their length on the wire. */
  readonly bytes: number;
  readonly wireBytes: number;
  /** Packets of which the capture holds only the beginning. */
  readonly cutPackets: number;
  /** Packets earlier than the one before them. */
  readonly outOfOrder: number;
  /** Packets without a time, as in simple packet blocks of pcapng. */
  readonly untimed?: number;
  readonly first?: string;
  readonly last?: string;
  readonly durationSeconds?: number;
  readonly interfaces: readonly InterfaceFacts[];
  readonly comments: readonly string[];
  /** Decryption secrets blocks. */
  readonly secrets: number;
  readonly names: number;
  readonly application?: string;
  readonly hardware?: string;
  readonly os?: string;
  readonly issues: readonly Issue[];
}

const MAX_LISTED = 1000;

/** @throws CaptureError */
export async function captureFacts(path: string): Promise<CaptureFacts> {
  const interfaces = new Map<CaptureInterface, InterfaceFacts>();
  const issues: Issue[] = [];
  const comments: string[] = [];
  const notes: Record<string, string> = {};
  const count = {
    packets: 0,
    bytes: 0,
    wire: 0,
    cut: 0,
    disorder: 0,
    untimed: 0,
    secrets: 0,
    names: 0,
  };
  const first = new Moment();
  const last = new Moment();
  let earliest = Infinity;
  let latest = -Infinity;
  let previous = -Infinity;
  const see = (packet: CapturedPacket) => {
    const size = packet.end - packet.start;
    count.packets++;
    count.bytes += size;
    count.wire += packet.wireLength;
    if (size < packet.wireLength) count.cut++;
    const facts = interfaces.get(packet.interface);
    if (facts !== undefined) facts.packets++;
    if (packet.comment !== undefined && comments.length < MAX_LISTED) comments.push(packet.comment);
    const time = packet.seconds + packet.fraction / 10 ** packet.interface.digits;
    if (time === 0) {
      count.untimed++;
      return;
    }
    if (time < previous) count.disorder++;
    previous = time;
    if (time < earliest) {
      earliest = time;
      first.set(packet);
    }
    if (time >= latest) {
      latest = time;
      last.set(packet);
    }
  };
  const result = await readCapture(path, {
    packet: see,
    issue: (issue) => {
      if (issues.length < MAX_LISTED) issues.push(issue);
    },
    interface: (found) => interfaces.set(found, describe(found)),
    note: (kind, value) => {
      if (kind === "secrets") count.secrets++;
      else if (kind === "name") count.names++;
      else if (kind === "comment") comments.push(String(value));
      else notes[kind] = String(value);
    },
  });
  for (const [source, facts] of interfaces) {
    if (source.received !== undefined) facts.received = source.received;
    if (source.dropped !== undefined) facts.dropped = source.dropped;
  }
  return {
    file: path,
    format: result.format,
    detail: result.detail,
    ...(result.compression === undefined ? {} : { compression: result.compression }),
    packets: count.packets,
    bytes: count.bytes,
    wireBytes: count.wire,
    cutPackets: count.cut,
    outOfOrder: count.disorder,
    ...(count.untimed === 0 ? {} : { untimed: count.untimed }),
    ...(count.packets === count.untimed
      ? {}
      : {
          first: first.text(),
          last: last.text(),
          durationSeconds: Number((latest - earliest).toFixed(6)),
        }),
    interfaces: [...interfaces.values()],
    comments,
    secrets: count.secrets,
    names: count.names,
    ...notes,
    issues,
  };
}

function describe(found: CaptureInterface): InterfaceFacts {
  const { linkType, snapLength, digits, name, description, filter, os } = found;
  return {
    link: LINK_NAMES.get(linkType) ?? `type ${linkType}`,
    linkType,
    snapLength,
    timeDigits: digits,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(filter === undefined ? {} : { filter }),
    ...(os === undefined ? {} : { os }),
    packets: 0,
  };
}

/** The time of a packet, made into text only when it is wanted. */
class Moment {
  private seconds = 0;
  private fraction = 0;
  private digits = 6;

  set(packet: CapturedPacket): void {
    this.seconds = packet.seconds;
    this.fraction = packet.fraction;
    this.digits = packet.interface.digits;
  }

  text(): string {
    const date = new Date(this.seconds * 1000).toISOString().slice(0, 19);
    if (this.digits === 0) return `${date}Z`;
    return `${date}.${String(this.fraction).padStart(this.digits, "0")}Z`;
  }
}

/** RTP and RTCP in captures: at endpoints that a session description announced, and anywhere on request. RFC 3550, 5761. */
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { view } from "../../../codecs/reader.ts";
import { writeRtpBody } from "../../../codecs/rtp/ndjson.ts";
import { rtcpRecord, rtpRecord } from "../../../codecs/rtp/record.ts";
import type { RtcpPacket } from "../../../codecs/rtp/rtcp.ts";
import { readRtcp } from "../../../codecs/rtp/rtcp.ts";
import { decodeRtp } from "../../../codecs/rtp/rtp.ts";
import {
  isRtcpType,
  looksLikeRtcp,
  looksLikeRtp,
  rtpHeaderBytes,
} from "../../../codecs/rtp/sniff.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  MediaAnnouncement,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";

function announced(flow: Flow, context: DissectorContext): MediaAnnouncement | undefined {
  const { media } = context;
  return media.lookup(flow.source(0), flow.aPort) ?? media.lookup(flow.source(1), flow.bPort);
}

class RtpDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private readonly sure: boolean;
  private readonly secure: boolean;
  /** Packets that a guess still needs before the flow is taken for RTP. */
  private readonly guess: boolean;

  constructor(flow: Flow, context: DissectorContext) {
    this.context = context;
    const announcement = announced(flow, context);
    this.sure = announcement !== undefined;
    this.secure = announcement?.secure === true;
    this.guess = context.options.heuristics.has("rtp");
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (!this.sure && !(this.guess && looksLikeRtp(bytes, start, end))) return false;
    if (rtpHeaderBytes(bytes, start, end) < 0) return false;
    // RFC 5761 4: RTCP on the same port tells itself by its types, encrypted by nothing else.
    if (isRtcpType(bytes[start + 1] as number) && (this.secure || looksLikeRtcp(bytes, start, end)))
      return false;
    const { out, account } = this.context;
    if (cut) account.truncated(end - start);
    if (out.bulk !== undefined) {
      out.bulk.begin("rtp", flow, direction, mark, end - start);
      writeRtpBody(out.bulk.json, bytes, start, end);
      out.bulk.end(cut, NO_ISSUES);
      return true;
    }
    const issues: Issue[] = [];
    const packet = decodeRtp(view(bytes, start, end), { tolerate: (issue) => issues.push(issue) });
    out.emit(
      "rtp",
      flow,
      direction,
      mark,
      end - start,
      rtpRecord(packet),
      { malformed: cut, issues: NO_ISSUES },
      { bytes, start, end },
    );
    return true;
  }
}

const NO_ISSUES: readonly Issue[] = [];

export const rtp: DatagramProtocol = {
  name: "rtp",
  recognises: looksLikeRtp,
  open: (flow, context) => new RtpDatagrams(flow, context),
};

class RtcpDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private readonly sure: boolean;
  private readonly secure: boolean;

  constructor(flow: Flow, context: DissectorContext) {
    this.context = context;
    const announcement = announced(flow, context);
    this.sure = announcement !== undefined || context.options.heuristics.has("rtp");
    this.secure = announcement?.secure === true;
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (
      !this.sure &&
      !beginsReport(bytes, start, end) &&
      !(multiplexed(flow) && encrypted(bytes, start, end))
    )
      return false;
    if (!hasRtcpType(bytes, start, end)) return false;
    const { out, account } = this.context;
    if (cut) account.truncated(end - start);
    const size = end - start;
    const raw = { bytes, start, end };
    if (
      (this.secure && size >= 8) ||
      (!looksLikeRtcp(bytes, start, end) && encrypted(bytes, start, end))
    ) {
      const body = { pt: bytes[start + 1], ssrc: u32(bytes, start + 4) };
      out.emit(
        this.secure ? "srtcp" : "rtcp",
        flow,
        direction,
        mark,
        size,
        body,
        { malformed: false, issues: ENCRYPTED },
        raw,
      );
      return true;
    }
    const issues: Issue[] = [];
    const packets: RtcpPacket[] = [];
    let malformed = false;
    try {
      readRtcp(view(bytes, start, end), packets, { tolerate: (issue) => issues.push(issue) });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      malformed = true;
      issues.push(error.toIssue());
    }
    const bodies = packets.map(rtcpRecord);
    if (bodies.length === 0) bodies.push({ pt: bytes[start + 1] });
    bodies.forEach((body, i) => {
      const fault = i === bodies.length - 1 ? { malformed, issues } : undefined;
      out.emit("rtcp", flow, direction, mark, size, body, fault, raw);
    });
    return true;
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return view(bytes, at, at + 4).reduce((sum, b) => sum * 256 + b, 0);
}

const ENCRYPTED: readonly Issue[] = [
  {
    code: "rtcp.encrypted",
    offset: 8,
    spec: "RFC 3711 3.4",
    message: "all after the first eight octets is encrypted",
  },
];

/** SRTCP: a report's header in the clear, then octets that are no chain of packets, an index and a tag. RFC 3711 3.4. */
function encrypted(bytes: Uint8Array, start: number, end: number): boolean {
  const type = bytes[start + 1];
  if ((type !== 200 && type !== 201) || end - start < 8 + 4 + 10) return false;
  const length = (((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number)) * 4 + 4;
  const next = start + length;
  return (
    next + 14 <= end &&
    ((bytes[next] as number) >> 6 !== 2 || !isRtcpType(bytes[next + 1] as number))
  );
}

/** RFC 7983: where STUN or DTLS was seen, media share the port. */
function multiplexed(flow: Flow): boolean {
  return (
    flow.app === "stun" ||
    flow.app === "dtls" ||
    flow.others?.has("stun") === true ||
    flow.others?.has("dtls") === true
  );
}

/** RFC 3550 6.1: a compound packet begins with a report, and its lengths fill the datagram: hard to meet by chance. */
function beginsReport(bytes: Uint8Array, start: number, end: number): boolean {
  const type = bytes[start + 1];
  return (type === 200 || type === 201) && looksLikeRtcp(bytes, start, end);
}

export const rtcp: DatagramProtocol = {
  name: "rtcp",
  recognises: (bytes, start, end, flow) =>
    looksLikeRtcp(bytes, start, end) || (multiplexed(flow) && hasRtcpType(bytes, start, end)),
  open: (flow, context) => new RtcpDatagrams(flow, context),
};

function hasRtcpType(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 4 &&
    (bytes[start] as number) >> 6 === 2 &&
    isRtcpType(bytes[start + 1] as number)
  );
}

/** UDP trackers in captures, on any port: found by the constant of the connect request. BEP 15. */
import { trackerRequestRecord, trackerResponseRecord } from "../../../codecs/bittorrent/record.ts";
import {
  decodeTrackerRequest,
  decodeTrackerResponse,
} from "../../../codecs/bittorrent/udp-tracker.ts";
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { view } from "../../../codecs/reader.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";
import { elapsed } from "../mark.ts";

/** Requests of one flow that wait for their answers. */
const MAX_PENDING = 64;
const CONNECT = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0];
const CONNECT_BYTES = 16;
const ANNOUNCE_BYTES = 98;

function isConnect(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= CONNECT_BYTES && CONNECT.every((octet, i) => bytes[start + i] === octet);
}

/** An announce or scrape whose connect request is not in the capture. */
function isRequest(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 16) return false;
  const action = u32(bytes, start + 8);
  if (action === 1) return end - start >= ANNOUNCE_BYTES && u32(bytes, start + 80) <= 3;
  return action === 2 && (end - start - 16) % 20 === 0 && end - start > 16;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

class TrackerDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  /** The side that asks. */
  private client: Direction | undefined;
  private readonly pending = new Map<number, Mark>();

  constructor(context: DissectorContext) {
    this.context = context;
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
    const asks =
      isConnect(bytes, start, end) || (direction === this.client && isRequest(bytes, start, end));
    if (!asks && (this.client === undefined || direction === this.client)) return false;
    if (!asks && (end - start < 8 || u32(bytes, start) > 3)) return false;
    if (asks) this.client = direction;
    const { out, account } = this.context;
    if (cut) account.truncated(end - start);
    const issues: Issue[] = [];
    const options = { tolerate: (issue: Issue) => void issues.push(issue) };
    let body: Record<string, unknown> = {};
    let malformed = cut;
    try {
      const datagram = view(bytes, start, end);
      const contactBytes = flow.family === 6 ? 18 : 6;
      body = asks
        ? trackerRequestRecord(decodeTrackerRequest(datagram, options))
        : trackerResponseRecord(decodeTrackerResponse(datagram, { ...options, contactBytes }));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      malformed = true;
      issues.push(error.toIssue());
    }
    this.link(asks, body, mark);
    out.emit(
      "bt-tracker",
      flow,
      direction,
      mark,
      end - start,
      body,
      { malformed, issues },
      { bytes, start, end },
    );
    return true;
  }

  private link(asks: boolean, body: Record<string, unknown>, mark: Mark): void {
    const id = body["transactionId"] as number | undefined;
    if (id === undefined) return;
    if (asks) {
      if (this.pending.size < MAX_PENDING && !this.pending.has(id))
        this.pending.set(id, mark.keep());
      return;
    }
    const asked = this.pending.get(id);
    if (asked === undefined) return;
    this.pending.delete(id);
    body["requestFrame"] = asked.frame;
    body["latency"] = elapsed(asked, mark);
  }
}

export const tracker: DatagramProtocol = {
  name: "bt-tracker",
  recognises: isConnect,
  open: (_flow, context) => new TrackerDatagrams(context),
};

/** The UDP tracker protocol. BEP 15; URL data of BEP 41. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate, EncodeError } from "../errors.ts";
import { Reader, utf8 } from "../reader.ts";
import { concat, fromHex, utf8Bytes, Writer } from "../writer.ts";
import type { Contact } from "./compact.ts";
import { contacts, encodeContacts } from "./compact.ts";

/** The connection id of a connect request. */
export const PROTOCOL_ID = "0000041727101980";
export const TRACKER_ACTIONS = ["connect", "announce", "scrape", "error"] as const;
export const TRACKER_EVENTS = ["none", "completed", "started", "stopped"] as const;
/** BEP 15: more info hashes do not fit one datagram. */
export const MAX_SCRAPED = 74;

export type TrackerEvent = (typeof TRACKER_EVENTS)[number];

export interface AnnounceRequest {
  readonly action: "announce";
  readonly connectionId: string;
  readonly transactionId: number;
  readonly infoHash: string;
  readonly peerId: string;
  readonly downloaded: bigint;
  readonly left: bigint;
  readonly uploaded: bigint;
  readonly event: TrackerEvent;
  /** 0: the sender's own. */
  readonly ip: number;
  readonly key: number;
  /** -1: as the tracker likes. */
  readonly numWant: number;
  readonly port: number;
  /** Options of BEP 41 as sent, in hex. */
  readonly options?: string;
}

export type TrackerRequest =
  | { readonly action: "connect"; readonly transactionId: number }
  | AnnounceRequest
  | {
      readonly action: "scrape";
      readonly connectionId: string;
      readonly transactionId: number;
      readonly infoHashes: readonly string[];
    };

export interface ScrapeEntry {
  readonly seeders: number;
  readonly completed: number;
  readonly leechers: number;
}

export type TrackerResponse =
  | { readonly action: "connect"; readonly transactionId: number; readonly connectionId: string }
  | {
      readonly action: "announce";
      readonly transactionId: number;
      /** Seconds. */
      readonly interval: number;
      readonly leechers: number;
      readonly seeders: number;
      readonly peers: readonly Contact[];
    }
  | {
      readonly action: "scrape";
      readonly transactionId: number;
      readonly entries: readonly ScrapeEntry[];
    }
  | { readonly action: "error"; readonly transactionId: number; readonly message: string };

const CODE = "bt-tracker.truncated";
const SPEC = "BEP 15";

/** @throws DecodeError */
export function decodeTrackerRequest(
  bytes: Uint8Array,
  options: DecodeOptions = {},
): TrackerRequest {
  const reader = new Reader(bytes, CODE, SPEC);
  const connectionId = reader.hex(8);
  const action = reader.u32();
  const transactionId = reader.u32();
  if (action === 0) {
    if (connectionId !== PROTOCOL_ID)
      throw new DecodeError(
        "bt-tracker.protocol-id",
        0,
        SPEC,
        "a connect request without the protocol id",
      );
    if (reader.remaining > 0)
      deviate(options, "bt-tracker.trailing", reader.offset, SPEC, "octets follow the request");
    return { action: "connect", transactionId };
  }
  if (action === 1) return announce(reader, connectionId, transactionId, options);
  if (action !== 2)
    throw new DecodeError("bt-tracker.action", 8, SPEC, `no request has the action ${action}`);
  const infoHashes: string[] = [];
  while (reader.remaining >= 20 && infoHashes.length < MAX_SCRAPED) infoHashes.push(reader.hex(20));
  if (reader.remaining > 0 || infoHashes.length === 0) {
    deviate(
      options,
      "bt-tracker.scrape",
      reader.offset,
      SPEC,
      "not a whole number of 1 to 74 info hashes",
    );
  }
  return { action: "scrape", connectionId, transactionId, infoHashes };
}

function announce(
  reader: Reader,
  connectionId: string,
  transactionId: number,
  options: DecodeOptions,
): AnnounceRequest {
  const infoHash = reader.hex(20);
  const peerId = reader.hex(20);
  const downloaded = reader.u64();
  const left = reader.u64();
  const uploaded = reader.u64();
  const eventAt = reader.offset;
  const code = reader.u32();
  const event = TRACKER_EVENTS[code];
  if (event === undefined) deviate(options, "bt-tracker.event", eventAt, SPEC, `no event ${code}`);
  const ip = reader.u32();
  const key = reader.u32();
  const numWant = reader.u32() | 0;
  const port = reader.u16();
  const rest = reader.hex(reader.remaining);
  return {
    action: "announce",
    connectionId,
    transactionId,
    infoHash,
    peerId,
    downloaded,
    left,
    uploaded,
    event: event ?? "none",
    ip,
    key,
    numWant,
    port,
    ...(rest === "" ? {} : { options: rest }),
  };
}

export interface TrackerResponseOptions extends DecodeOptions {
  /** Size of a contact: 18 where the tracker was asked over IPv6. Default 6. */
  readonly contactBytes?: 6 | 18;
}

/** @throws DecodeError */
export function decodeTrackerResponse(
  bytes: Uint8Array,
  options: TrackerResponseOptions = {},
): TrackerResponse {
  const reader = new Reader(bytes, CODE, SPEC);
  const code = reader.u32();
  const action = TRACKER_ACTIONS[code];
  const transactionId = reader.u32();
  switch (action) {
    case "connect": {
      const connectionId = reader.hex(8);
      if (reader.remaining > 0)
        deviate(options, "bt-tracker.trailing", reader.offset, SPEC, "octets follow the response");
      return { action, transactionId, connectionId };
    }
    case "announce": {
      const interval = reader.u32();
      const leechers = reader.u32();
      const seeders = reader.u32();
      const size = options.contactBytes ?? 6;
      const rest = reader.take(reader.remaining);
      if (rest.length % size !== 0) {
        deviate(
          options,
          "bt-tracker.peers.ragged",
          20 + rest.length - (rest.length % size),
          SPEC,
          "not a whole number of peers",
        );
      }
      return { action, transactionId, interval, leechers, seeders, peers: contacts(rest, size) };
    }
    case "scrape": {
      const entries: ScrapeEntry[] = [];
      while (reader.remaining >= 12)
        entries.push({ seeders: reader.u32(), completed: reader.u32(), leechers: reader.u32() });
      if (reader.remaining > 0)
        deviate(options, "bt-tracker.scrape", reader.offset, SPEC, "not a whole number of entries");
      return { action, transactionId, entries };
    }
    case "error": {
      const text = reader.take(reader.remaining);
      return { action, transactionId, message: utf8(text, 0, text.length) };
    }
    default:
      throw new DecodeError("bt-tracker.action", 0, SPEC, `no action ${code}`);
  }
}

function fixed(name: string, text: string, count: number): Uint8Array {
  const bytes = fromHex(text);
  if (bytes?.length !== count)
    throw new EncodeError("bt-tracker.field", SPEC, `${name} is not ${count} octets in hex`);
  return bytes;
}

/** @throws EncodeError */
export function encodeTrackerRequest(request: TrackerRequest): Uint8Array {
  const writer = new Writer(128);
  writer.bytes(
    fixed("connectionId", request.action === "connect" ? PROTOCOL_ID : request.connectionId, 8),
  );
  writer.u32(TRACKER_ACTIONS.indexOf(request.action));
  writer.u32(request.transactionId);
  if (request.action === "scrape") {
    for (const infoHash of request.infoHashes) writer.bytes(fixed("infoHash", infoHash, 20));
  } else if (request.action === "announce") {
    writer.bytes(fixed("infoHash", request.infoHash, 20));
    writer.bytes(fixed("peerId", request.peerId, 20));
    writer.u64(request.downloaded);
    writer.u64(request.left);
    writer.u64(request.uploaded);
    writer.u32(TRACKER_EVENTS.indexOf(request.event));
    writer.u32(request.ip);
    writer.u32(request.key);
    writer.u32(request.numWant >>> 0);
    writer.u16(request.port);
    if (request.options !== undefined)
      writer.bytes(fixed("options", request.options, request.options.length / 2));
  }
  return writer.finish();
}

/** @throws EncodeError. All peers must be of one address family. */
export function encodeTrackerResponse(response: TrackerResponse): Uint8Array {
  const writer = new Writer(128);
  writer.u32(TRACKER_ACTIONS.indexOf(response.action));
  writer.u32(response.transactionId);
  switch (response.action) {
    case "connect":
      writer.bytes(fixed("connectionId", response.connectionId, 8));
      break;
    case "announce": {
      writer.u32(response.interval);
      writer.u32(response.leechers);
      writer.u32(response.seeders);
      const { v4, v6 } = encodeContacts(response.peers);
      if (v4.length > 0 && v6.length > 0)
        throw new EncodeError("bt-tracker.peers", SPEC, "peers of two address families");
      writer.bytes(concat([v4, v6]));
      break;
    }
    case "scrape":
      for (const entry of response.entries) {
        writer.u32(entry.seeders);
        writer.u32(entry.completed);
        writer.u32(entry.leechers);
      }
      break;
    default:
      writer.bytes(utf8Bytes(response.message));
  }
  return writer.finish();
}

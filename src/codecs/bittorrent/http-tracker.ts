/** Announces and scrapes over HTTP: the query and the bencoded answer. BEP 3, 7, 23, 48. */
import { decode } from "../bencode/decode.ts";
import type { BencodeNode } from "../bencode/node.ts";
import { get, getBytes, getInteger, getList, getText } from "../bencode/node.ts";
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { hex, utf8 } from "../reader.ts";
import type { Contact } from "./compact.ts";
import { contacts } from "./compact.ts";

/** Of a tracker's answer: what BEP 3 needs is a few kilobytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

export interface HttpAnnounce {
  /** 20 octets in hex; several for a scrape. */
  readonly infoHashes: readonly string[];
  readonly peerId?: string;
  readonly port?: number;
  readonly uploaded?: number;
  readonly downloaded?: number;
  readonly left?: number;
  readonly event?: string;
  readonly compact?: boolean;
  readonly numWant?: number;
  readonly scrape: boolean;
}

/** Octets of a query value, one code point an octet; undefined for a wrong escape. */
function octetsOfValue(text: string): Uint8Array | undefined {
  const out: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "%") {
      const digits = text.slice(i + 1, i + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) return undefined;
      out.push(Number.parseInt(digits, 16));
      i += 2;
    } else {
      out.push(c === "+" ? 0x20 : text.charCodeAt(i) & 0xff);
    }
  }
  return Uint8Array.from(out);
}

/** The announce or scrape that a request target asks for; undefined when it is neither. */
export function parseAnnounce(target: string): HttpAnnounce | undefined {
  const question = target.indexOf("?");
  if (question < 0 || !target.includes("info_hash=")) return undefined;
  const path = target.slice(0, question);
  const infoHashes: string[] = [];
  const values = new Map<string, Uint8Array>();
  for (const pair of target.slice(question + 1).split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const value = octetsOfValue(pair.slice(equals + 1));
    if (value === undefined) continue;
    const name = pair.slice(0, equals);
    if (name === "info_hash" && value.length === 20) infoHashes.push(hex(value));
    else values.set(name, value);
  }
  if (infoHashes.length === 0) return undefined;
  const text = (name: string) => {
    const value = values.get(name);
    return value === undefined ? undefined : utf8(value, 0, value.length);
  };
  const number = (name: string) => {
    const value = text(name);
    return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const out: Record<string, unknown> = { infoHashes, scrape: /\/scrape[^/]*$/.test(path) };
  const put = (name: string, value: unknown) => {
    if (value !== undefined) out[name] = value;
  };
  const peerId = values.get("peer_id");
  put("peerId", peerId?.length === 20 ? hex(peerId) : undefined);
  put("port", number("port"));
  put("uploaded", number("uploaded"));
  put("downloaded", number("downloaded"));
  put("left", number("left"));
  put("event", text("event"));
  put("compact", values.has("compact") ? text("compact") === "1" : undefined);
  put("numWant", number("numwant"));
  return out as unknown as HttpAnnounce;
}

export interface HttpAnswer {
  /** Why the tracker refused; then nothing else counts. */
  readonly failureReason?: string;
  readonly warning?: string;
  /** Seconds. */
  readonly interval?: number;
  readonly minInterval?: number;
  readonly trackerId?: string;
  readonly seeders?: number;
  readonly leechers?: number;
  readonly peers: readonly Contact[];
  /** Scrape: by info hash in hex. */
  readonly files?: readonly {
    readonly infoHash: string;
    readonly seeders: number;
    readonly completed: number;
    readonly leechers: number;
  }[];
}

/** @throws DecodeError */
export function decodeHttpAnswer(body: Uint8Array, options: DecodeOptions = {}): HttpAnswer {
  if (body.length > MAX_ANSWER_BYTES) {
    throw new DecodeError(
      "bt-tracker.answer.too-long",
      0,
      "BEP 3",
      `an answer of ${body.length} octets`,
    );
  }
  const dict = decode(body, options);
  if (dict.kind !== "dict")
    throw new DecodeError("bt-tracker.answer", 0, "BEP 3", "not a dictionary");
  const out: Record<string, unknown> = { peers: peersOf(dict, options) };
  const put = (name: string, value: unknown) => {
    if (value !== undefined) out[name] = value;
  };
  put("failureReason", getText(dict, "failure reason"));
  put("warning", getText(dict, "warning message"));
  put("interval", getInteger(dict, "interval"));
  put("minInterval", getInteger(dict, "min interval"));
  put("trackerId", getText(dict, "tracker id"));
  put("seeders", getInteger(dict, "complete"));
  put("leechers", getInteger(dict, "incomplete"));
  put("files", filesOf(dict));
  return out as unknown as HttpAnswer;
}

function peersOf(dict: BencodeNode, options: DecodeOptions): Contact[] {
  const found: Contact[] = [];
  for (const [name, size] of [
    ["peers", 6],
    ["peers6", 18],
  ] as const) {
    const bytes = getBytes(dict, name);
    if (bytes === undefined) continue;
    if (bytes.length % size !== 0) {
      deviate(
        options,
        "bt-tracker.peers.ragged",
        get(dict, name)?.start ?? 0,
        "BEP 23",
        `${name} is not a whole number of contacts`,
      );
    }
    found.push(...contacts(bytes, size));
  }
  for (const item of getList(dict, "peers") ?? []) {
    const address = getText(item, "ip");
    const port = getInteger(item, "port");
    if (address !== undefined && port !== undefined && port >= 0 && port < 65_536)
      found.push({ address, port });
  }
  return found;
}

function filesOf(dict: BencodeNode): HttpAnswer["files"] {
  const files = get(dict, "files");
  if (files?.kind !== "dict") return undefined;
  return files.entries.map(({ key, value }) => ({
    infoHash: hex(key),
    seeders: getInteger(value, "complete") ?? 0,
    completed: getInteger(value, "downloaded") ?? 0,
    leechers: getInteger(value, "incomplete") ?? 0,
  }));
}

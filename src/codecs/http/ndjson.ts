/** The body keys of an HTTP record, from a parsed head to JSON bytes. */
import type { JsonWriter } from "../json-writer.ts";
import { Fixed } from "../json-writer.ts";
import { latin1, strictUtf8 } from "../reader.ts";
import type { Framing } from "./body.ts";
import { FIELD } from "./field-ids.ts";
import type { Head } from "./head.ts";

const REQUEST = new Fixed(',"kind":"request","method":"');
const URI = new Fixed('","uri":"');
const REQUEST_VERSION = new Fixed('","requestVersion":"');
const RESPONSE = new Fixed(',"kind":"response","status":');
const RESPONSE_VERSION = new Fixed(',"responseVersion":"');
const PHRASE = new Fixed('","phrase":"');
const HEADERS = new Fixed('","headers":[');
const HOST = new Fixed('","host":"');
const PAIR = new Fixed('["');
const NEXT_PAIR = new Fixed(',["');
const BETWEEN = new Fixed('","');
const PAIR_END = new Fixed('"]');
const LIST_END = new Fixed("]");
const CONTENT_LENGTH = new Fixed(',"contentLength":');
const TRAILERS = new Fixed(',"trailers":[');
const KEYS = [
  [FIELD.CONTENT_TYPE, new Fixed(',"contentType":"')],
  [FIELD.CONTENT_LENGTH, CONTENT_LENGTH],
  [FIELD.TRANSFER_ENCODING, new Fixed(',"transferEncoding":"')],
  [FIELD.CONTENT_ENCODING, new Fixed(',"contentEncoding":"')],
  [FIELD.LOCATION, new Fixed(',"location":"')],
] as const;
const QUOTE = 0x22;

/** Octets as the inside of a JSON string: as UTF-8 where they are that, else one code point each. */
function writeOctets(json: JsonWriter, bytes: Uint8Array, start: number, end: number): void {
  if (json.ascii(bytes, start, end)) return;
  json.inside(strictUtf8(bytes, start, end) ?? latin1(bytes, start, end));
}

function writeValue(json: JsonWriter, head: Head, index: number): void {
  if (head.mended(index)) json.inside(head.value(index));
  else writeOctets(json, head.bytes, head.valueStart(index), head.valueEnd(index));
}

function writePairs(json: JsonWriter, head: Head): void {
  for (let i = 0; i < head.count; i++) {
    json.room(16);
    json.put(i === 0 ? PAIR : NEXT_PAIR);
    writeOctets(json, head.bytes, head.nameStart(i), head.nameEnd(i));
    json.room(8);
    json.put(BETWEEN);
    writeValue(json, head, i);
    json.room(8);
    json.put(PAIR_END);
  }
}

/** Writes `,"kind":…` up to `location`. */
export function writeHead(json: JsonWriter, head: Head, framing: Framing): void {
  json.room(64);
  if (head.kind === "request") {
    json.put(REQUEST);
    json.inside(head.method);
    json.room(16);
    json.put(URI);
    writeOctets(json, head.bytes, head.targetStart, head.targetEnd);
    json.room(32);
    json.put(REQUEST_VERSION);
    json.inside(head.version);
    const host = head.find(FIELD.HOST);
    if (host >= 0) {
      json.room(16);
      json.put(HOST);
      writeValue(json, head, host);
    }
  } else {
    json.put(RESPONSE);
    json.uint(head.statusCode);
    json.put(RESPONSE_VERSION);
    json.inside(head.version);
    json.room(16);
    json.put(PHRASE);
    writeOctets(json, head.bytes, head.reasonStart, head.reasonEnd);
  }
  json.room(24);
  json.put(HEADERS);
  writePairs(json, head);
  json.room(8);
  json.put(LIST_END);
  for (const [id, key] of KEYS) {
    if (id === FIELD.CONTENT_LENGTH) {
      if (framing.contentLength < 0) continue;
      json.room(48);
      json.put(key);
      json.uint(framing.contentLength);
      continue;
    }
    const at = head.find(id);
    if (at < 0) continue;
    json.room(32);
    json.put(key);
    writeValue(json, head, at);
    json.room(1);
    json.byte(QUOTE);
  }
}

/** Writes `,"trailers":[…]`. */
export function writeTrailers(json: JsonWriter, head: Head): void {
  json.room(24);
  json.put(TRAILERS);
  writePairs(json, head);
  json.room(8);
  json.put(LIST_END);
}

/**
 * The strict parser beside llhttp, on mutated requests: what one takes for a whole message and the
 * other does not must have a clause of the RFCs behind it. `npm run test:long` tries a million.
 */
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../../src/codecs/errors.ts";
import type { HttpSink } from "../../../src/codecs/http/parser.ts";
import { HttpParser } from "../../../src/codecs/http/parser.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";

const PER_SEED = 5000;
const SEEDS = Number(process.env["NETKIT_SEEDS"] ?? 6);

const REQUESTS = [
  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
  "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nX: y\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n",
  "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  "OPTIONS * HTTP/1.0\r\n\r\n",
];
const BITS = [
  "\r",
  "\n",
  " ",
  "\t",
  ":",
  ",",
  "0",
  "\0",
  "\x7f",
  "\x80",
  "+",
  "-",
  "x",
  "chunked",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: x\r\n",
  "\r\n ",
  ";",
  "HTTP/1.1",
  "Host: y\r\n",
];

/** We refuse, llhttp takes: and what allows or asks for the refusal. */
const WE_REFUSE: Readonly<Record<string, string>> = {
  "http.host.missing": "RFC 9112 3.2: MUST 400",
  "http.host.repeated": "RFC 9112 3.2: MUST 400",
  "http.host.syntax": "RFC 9112 3.2: MUST 400",
  "http.version.absent": "RFC 9112 3: a request line has a version",
  "http.transfer-encoding.unknown": "RFC 9112 6.1: SHOULD 501",
  "http.transfer-encoding.http10": "RFC 9112 6.1: faulty framing",
  "http.transfer-encoding.chunked-twice": "RFC 9112 6.1: MUST NOT be sent",
  "http.transfer-encoding.empty": "RFC 9112 6.1: names no coding",
  "http.request-line.whitespace": "RFC 9112 3: one SP, lenient parsing is a MAY",
  "http.target.form": "RFC 9112 3.2: one of four forms",
  "http.target.char": "RFC 9112 3.2: SHOULD 400",
  "http.chunk.extension": "RFC 9112 7.1.1: chunk-ext-name is a token",
  "http.line.bare-lf": "RFC 9112 2.2: MAY be taken, is not",
};
/** We take, llhttp refuses: and what allows it. */
const WE_TAKE: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD: "RFC 9110 9.1: any token; the server answers 501",
  HPE_INVALID_URL: "RFC 3986 4.3: an absolute URI of any scheme; routing refuses it",
  HPE_INVALID_TRANSFER_ENCODING: "RFC 9110 5.5: HTAB around a value is no part of it",
  HPE_INVALID_CONTENT_LENGTH: "RFC 9110 5.5: HTAB around a value is no part of it",
  HPE_STRICT: "RFC 9112 7.1.1: BWS around a chunk extension",
  HPE_INVALID_CHUNK_SIZE: "RFC 9112 7.1.1: BWS before a chunk extension",
};

interface Verdict {
  /** Whole messages before it stopped, and why it did. */
  readonly messages: number;
  readonly code: string;
}

const QUIET: HttpSink = {
  begin: () => {},
  requestMethod: () => undefined,
  answersSimpleRequest: () => false,
  head: () => {},
  body: () => {},
  chunk: () => {},
  trailers: () => {},
  end: () => {},
  issue: () => {},
};

function ours(bytes: Uint8Array): Verdict {
  let messages = 0;
  const count = () => {
    messages++;
  };
  try {
    new HttpParser("request", { ...QUIET, end: count }, true).push(bytes, 0, bytes.length);
    return { messages, code: "" };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { messages, code: error.code };
  }
}

interface Llhttp {
  new (): {
    initialize(type: number, resource: object): void;
    execute(bytes: Buffer): number | (Error & { code: string });
    [event: number]: () => void;
  };
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}
const { HTTPParser } = (
  process as unknown as { binding(name: string): { HTTPParser: Llhttp } }
).binding("http_parser");

function llhttp(bytes: Uint8Array): Verdict {
  let messages = 0;
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  for (const event of [HTTPParser.kOnHeaders, HTTPParser.kOnHeadersComplete, HTTPParser.kOnBody]) {
    parser[event] = () => {};
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages++;
  };
  const result = parser.execute(Buffer.from(bytes));
  return { messages, code: result instanceof Error ? result.code : "" };
}

function randomFrom(seed: number): (n: number) => number {
  let state = (seed + 1) * 0x9e3779b1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

function mutated(text: string, below: (n: number) => number): string {
  let out = text;
  for (let left = 1 + below(3); left > 0; left--) {
    const at = below(out.length + 1);
    const bit = BITS[below(BITS.length)] as string;
    const kind = below(4);
    if (kind === 0) out = out.slice(0, at) + bit + out.slice(at);
    else if (kind === 1) out = out.slice(0, at) + out.slice(at + 1 + below(3));
    else if (kind === 2) out = out.slice(0, at) + bit + out.slice(at + bit.length);
    else out = out.slice(0, at) + out.slice(at, at + 4) + out.slice(at);
  }
  return out;
}

describe("the strict parser and llhttp", () => {
  it(`${SEEDS * PER_SEED} mutated requests: each disagreement has its clause`, () => {
    const unexplained = new Map<string, string>();
    let disagreed = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const below = randomFrom(seed);
      for (let i = 0; i < PER_SEED; i++) {
        const text = mutated(REQUESTS[below(REQUESTS.length)] as string, below);
        const bytes = latin1Bytes(text);
        const [mine, its] = [ours(bytes), llhttp(bytes)];
        if (mine.messages === its.messages) continue;
        disagreed++;
        const clause = mine.messages > its.messages ? WE_TAKE[its.code] : WE_REFUSE[mine.code];
        const key = mine.messages > its.messages ? `taken, ${its.code}` : `refused, ${mine.code}`;
        if (clause === undefined) unexplained.set(key, text);
      }
    }
    expect([...unexplained]).toEqual([]);
    expect(disagreed).toBeGreaterThan(0);
  });
});

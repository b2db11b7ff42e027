/** Rules of where messages end, which keep requests from being smuggled. RFC 9112 6, 7, 11.2. */
import { expectOne, expectRefused, expectThat, first, header, raw, request } from "./probe.ts";
import type { Rule, Target } from "./rule.ts";

/** A request that a server would answer which ended the first one too early. */
function second(target: Target): string {
  return request(target, { fields: ["X-Second: 1"] });
}

function post(target: Target, fields: readonly string[], body: string): string {
  return request(target, { method: "POST", fields, body });
}

/** Refused with 400, and nothing behind it is answered. */
function refused(
  id: string,
  title: string,
  spec: string,
  hint: string,
  variants: readonly (readonly [fields: readonly string[], body: string])[],
  codes: readonly number[] = [400],
): Rule {
  return {
    id,
    title,
    level: "must",
    spec,
    hint,
    *check(target) {
      for (const [fields, body] of variants) {
        const reply = yield* raw(`${post(target, fields, body)}${second(target)}`, {
          responses: 2,
        });
        try {
          expectRefused(reply, codes, true);
          expectOne(reply);
        } catch (error) {
          (error as Error).message = `${fields.join(", ")}: ${(error as Error).message}`;
          throw error;
        }
      }
    },
  };
}

/** A server that wants no POST may say so before it reads the body; then it has to close. */
const EARLY = [400, 403, 404, 405, 411, 413, 501] as const;
const chunked = "Transfer-Encoding: chunked";

export const FRAMING_RULES: readonly Rule[] = [
  refused(
    "rfc9112.6.3-1",
    "a Content-Length that is no number is refused",
    "RFC 9112 6.3",
    "1*DIGIT: no sign, no blank, no hexadecimal, nothing beyond what can be counted",
    ["+3", "-1", "0x3", "3 3", "3a", "99999999999999999999999999"].map((n) => [
      [`Content-Length: ${n}`],
      "abc",
    ]),
    [400, 413],
  ),
  refused(
    "rfc9112.6.3-2",
    "two lengths that differ are refused",
    "RFC 9112 6.3",
    "compare all Content-Length fields and members of lists",
    [
      [["Content-Length: 3", "Content-Length: 5"], "abc"],
      [["Content-Length: 3, 5"], "abc"],
    ],
  ),
  {
    id: "rfc9112.6.3-3",
    title: "Content-Length beside Transfer-Encoding: refused, or chunked and closed",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "answer 400, or take Transfer-Encoding and close after the response",
    *check(target) {
      const body = `0\r\n\r\n${second(target)}`;
      const fields = [`Content-Length: ${body.length}`, chunked];
      const reply = yield* raw(post(target, fields, body), { responses: 2 });
      first(reply);
      expectOne(reply);
    },
  },
  refused(
    "rfc9112.6.1-1",
    "a transfer coding that nobody knows is refused with 501 (or 400)",
    "RFC 9112 6.1",
    "answer 501: without the coding the body's end is not known",
    [[["Transfer-Encoding: xchunked"], "0\r\n\r\n"]],
    [501, 400],
  ),
  refused(
    "rfc9112.6.3-4",
    "a request whose last coding is not chunked is refused",
    "RFC 9112 6.3",
    "answer 400 and close: the length cannot be told",
    [
      [["Transfer-Encoding: chunked, gzip"], "0\r\n\r\n"],
      [["Transfer-Encoding: gzip"], "x"],
      [["Transfer-Encoding: identity"], "0\r\n\r\n"],
    ],
    [400, 501],
  ),
  {
    id: "rfc9112.6.1-2",
    title: "chunked from HTTP/1.0 is refused, or the connection closes after it",
    level: "must",
    spec: "RFC 9112 6.1",
    hint: "take such framing for faulty: answer, and close",
    *check(target) {
      const head = request(target, {
        method: "POST",
        version: "HTTP/1.0",
        fields: [chunked, "Connection: keep-alive"],
      });
      const reply = yield* raw(`${head}0\r\n\r\n${second(target)}`, { responses: 2 });
      first(reply);
      expectOne(reply);
    },
  },
  refused(
    "rfc9112.7.1-1",
    "a chunk size that is no hexadecimal number is refused",
    "RFC 9112 7.1",
    "1*HEXDIG, then CRLF or a semicolon; no sign, no prefix, no overflow",
    ["0x3", "-3", "+3", "g", "", "fffffffffffffffffff"].map((size) => [
      [chunked],
      `${size}\r\nabc\r\n0\r\n\r\n`,
    ]),
    EARLY,
  ),
  refused(
    "rfc9112.7.1-2",
    "a chunk whose data does not end with CRLF is refused",
    "RFC 9112 7.1",
    "look at the two octets behind the data",
    [[[chunked], "3\r\nabcXX0\r\n\r\n"]],
    EARLY,
  ),
  {
    id: "rfc9112.7.1-3",
    title: "chunked bodies are read, and the next request with them",
    level: "must",
    spec: "RFC 9112 7.1",
    hint: "every HTTP/1.1 recipient parses chunked",
    *check(target) {
      const body = "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
      const reply = yield* raw(`${post(target, [chunked], body)}${request(target)}`, {
        responses: 2,
        methods: ["POST", "GET"],
      });
      const response = first(reply);
      expectThat(![400, 411, 501].includes(response.statusCode), `status ${response.statusCode}`);
      const [, next] = reply.responses;
      const closes = (header(response, "connection") ?? "").toLowerCase().includes("close");
      expectThat(
        next !== undefined || closes || reply.closed,
        "the request behind it is not answered",
      );
      if (next !== undefined)
        expectThat(next.statusCode === 200, `the request behind it: ${next.statusCode}`);
    },
  },
  {
    id: "rfc9112.7.1.1-1",
    title: "chunk extensions that nobody knows are passed over",
    level: "must",
    spec: "RFC 9112 7.1.1",
    hint: "ignore what follows the semicolon, within a limit",
    *check(target) {
      const body = '3;name=value;quoted="a;b"\r\nabc\r\n0;last\r\n\r\n';
      const response = first(yield* raw(post(target, [chunked], body)));
      expectThat(response.statusCode !== 400, "400");
    },
  },
  {
    id: "rfc9112.7.1.2-1",
    title: "trailers are read, and change nothing of the framing",
    level: "must",
    spec: "RFC 9112 7.1.2",
    hint: "drop trailers that frame, route or authenticate",
    *check(target) {
      const body = "3\r\nabc\r\n0\r\nContent-Length: 999\r\nX-Trailer: 1\r\n\r\n";
      const reply = yield* raw(`${post(target, [chunked], body)}${request(target)}`, {
        responses: 2,
        methods: ["POST", "GET"],
      });
      const response = first(reply);
      const closes = (header(response, "connection") ?? "").toLowerCase().includes("close");
      expectThat(
        reply.responses.length === 2 || closes || reply.closed,
        "the request behind it is not answered",
      );
    },
  },
  {
    id: "rfc9112.6.2-1",
    title: "a body by Content-Length is read, and the next request with it",
    level: "must",
    spec: "RFC 9112 6.2",
    hint: "read or drop exactly so many octets, or close",
    *check(target) {
      const body = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
      const head = post(target, [`Content-Length: ${body.length}`], body);
      const reply = yield* raw(`${head}${request(target)}`, {
        responses: 3,
        methods: ["POST", "GET"],
      });
      expectThat(reply.responses.length <= 2, "the body was taken for a request");
      first(reply);
    },
  },
];

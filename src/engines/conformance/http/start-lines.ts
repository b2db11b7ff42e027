/** Rules of request lines and Host. RFC 9112 2, 3; RFC 9110 7.2, 9.1. */
import { answer, expectRefused, expectThat, first, header, raw, request } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const START_LINES: readonly Rule[] = [
  {
    id: "rfc9112.3.2-1",
    title: "HTTP/1.1 without Host is refused with 400",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "count Host fields before the request is routed",
    *check(target) {
      expectRefused(yield* raw(request(target, { host: false })), [400]);
    },
  },
  {
    id: "rfc9112.3.2-2",
    title: "two Host fields are refused with 400",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "the two may name different sites to two readers: refuse, even where they are alike",
    *check(target) {
      expectRefused(yield* raw(request(target, { fields: ["Host: other.example"] })), [400]);
    },
  },
  {
    id: "rfc9112.3.2-3",
    title: "a Host that is no host and port is refused with 400",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: 'check the value against uri-host [ ":" port ]',
    *check(target) {
      const fields = ["Host: a b/c"];
      expectRefused(yield* raw(request(target, { host: false, fields })), [400]);
    },
  },
  {
    id: "rfc9112.3.2.2-1",
    title: "a target in absolute form is accepted",
    level: "must",
    spec: "RFC 9112 3.2.2",
    hint: "take host and path from the target; it wins over Host",
    *check(target) {
      const response = yield* answer(target, { target: `http://${target.host}${target.path}` });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9112.3-1",
    title: "a request line of 8000 octets is taken",
    level: "should",
    spec: "RFC 9112 3",
    hint: "raise the limit of request lines to 8000 octets at least",
    *check(target) {
      const long = `${target.path}?${"a".repeat(7900)}`;
      const response = yield* answer(target, { target: long });
      expectThat(response.statusCode !== 414, "414 for less than 8000 octets");
    },
  },
  {
    id: "rfc9112.3-2",
    title: "a target that is too long is refused with 414",
    level: "should",
    spec: "RFC 9112 3",
    hint: "answer 414 where the request line outgrows the limit",
    *check(target) {
      const reply = yield* raw(request(target, { target: `/${"a".repeat(200_000)}` }));
      expectRefused(reply, [414, 431, 400], true);
    },
  },
  {
    id: "rfc9112.3.1-1",
    title: "the method is case-sensitive",
    level: "must",
    spec: "RFC 9110 9.1",
    hint: "compare methods octet by octet: get is not GET",
    *check(target) {
      const response = yield* answer(target, { method: "get" });
      expectThat(response.statusCode >= 400, `get is answered with ${response.statusCode}`);
    },
  },
  {
    id: "rfc9110.9.1-2",
    title: "a method that nobody knows is refused with 501 (or 405)",
    level: "should",
    spec: "RFC 9110 9.1",
    hint: "answer 501 for methods that are not implemented",
    *check(target) {
      const response = yield* answer(target, { method: "FROBNICATE" });
      const { statusCode } = response;
      expectThat([501, 405, 400].includes(statusCode), `status ${statusCode}`);
    },
  },
  {
    id: "rfc9112.2.3-1",
    title: "a higher minor version is taken for 1.1",
    level: "should",
    spec: "RFC 9110 2.5",
    hint: "read every 1.x as the highest minor version that is known",
    *check(target) {
      const response = yield* answer(target, { version: "HTTP/1.2" });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9112.2.3-2",
    title: "another major version is refused with 505 (or 400)",
    level: "should",
    spec: "RFC 9110 15.6.6",
    hint: "answer 505 for HTTP/2.0 in a request line",
    *check(target) {
      expectRefused(yield* raw(request(target, { version: "HTTP/3.0" })), [505, 400], true);
    },
  },
  {
    id: "rfc9112.2.3-3",
    title: "a version that is none is refused with 400",
    level: "must",
    spec: "RFC 9112 2.3",
    hint: "HTTP-version is case-sensitive, digit point digit",
    *check(target) {
      for (const version of ["http/1.1", "HTTP/11", "HTTP/1.1x", "HTP/1.1"]) {
        expectRefused(yield* raw(request(target, { version })), [400, 505], true);
      }
    },
  },
  {
    id: "rfc9112.2.2-1",
    title: "an empty line before a request is passed over",
    level: "should",
    spec: "RFC 9112 2.2",
    hint: "skip at least one CRLF before the request line",
    *check(target) {
      const response = first(yield* raw(`\r\n${request(target)}`));
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9112.3.2.4-1",
    title: "OPTIONS * is answered",
    level: "should",
    spec: "RFC 9112 3.2.4",
    hint: "answer OPTIONS * for the server as a whole",
    *check(target) {
      const response = yield* answer(target, { method: "OPTIONS", target: "*" });
      expectThat(
        response.statusCode < 500 || response.statusCode === 501,
        `status ${response.statusCode}`,
      );
    },
  },
  {
    id: "rfc9112.2.2-2",
    title: "a blank before the first field is refused or passed over with its line",
    level: "must",
    spec: "RFC 9112 2.2",
    hint: "refuse with 400, or drop the lines up to one that begins without a blank",
    *check(target) {
      const lines = `GET ${target.path} HTTP/1.1\r\n X-Odd: 1\r\nHost: ${target.host}\r\n\r\n`;
      const response = first(yield* raw(lines));
      expectThat([200, 400].includes(response.statusCode), `status ${response.statusCode}`);
    },
  },
  {
    id: "rfc9110.15.5.6-1",
    title: "405 tells in Allow what is allowed",
    level: "must",
    spec: "RFC 9110 15.5.6",
    hint: "send Allow with every 405",
    *check(target) {
      for (const method of ["DELETE", "PUT", "POST"]) {
        const response = yield* answer(target, { method, fields: ["Content-Length: 0"] });
        if (response.statusCode !== 405) continue;
        expectThat(header(response, "allow") !== undefined, `405 to ${method} without Allow`);
      }
    },
  },
];

/** Rules of what two readers could take for different messages. RFC 9112 2.2, 5, 6, 7. */
import { expectThat, first, raw } from "../http/probe.ts";
import { arrived, expectBadGateway, expectKept, ok, targetOf, through } from "./probe.ts";
import type { Rule } from "./rule.ts";

const lines = (fields: readonly string[], body: string) => ({
  text: `HTTP/1.1 200 OK\r\n${fields.join("\r\n")}\r\n\r\n${body}`,
});

export const FRAMING_RULES: readonly Rule[] = [
  {
    id: "rfc9112.6.3-1",
    title: "a length beside Transfer-Encoding is not passed on",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "refuse, or remove Content-Length before the request goes on",
    *check(target) {
      const path = target.origin.place(() => ok());
      const fields = ["Content-Length: 3", "Transfer-Encoding: chunked"];
      const body = "5\r\nhello\r\n0\r\n\r\n";
      const reply = yield* raw(through(target, path, { method: "POST", fields, body }), {
        methods: ["POST"],
      });
      expectThat(reply.responses.length <= 1, "one request is taken for more");
      const [seen] = target.origin.requests(path);
      if (seen === undefined) {
        const code = reply.responses[0]?.statusCode;
        expectThat(code === undefined || code === 400, `status ${code}, and nothing is passed on`);
        return;
      }
      expectThat(seen.body === "hello", `the origin reads ${seen.body.length} octets`);
    },
  },
  {
    id: "rfc9112.6.3-2",
    title: "two different lengths are refused",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "400, and close",
    *check(target) {
      const fields = ["Content-Length: 3", "Content-Length: 4"];
      yield* expectKept(target, { method: "POST", fields, body: "abcd" });
    },
  },
  {
    id: "rfc9112.6.3-3",
    title: "a length that is no number is refused",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "digits alone: 400 to everything else",
    *check(target) {
      for (const value of ["+3", "-1", "0x3", "3 3"]) {
        const fields = [`Content-Length: ${value}`];
        yield* expectKept(target, { method: "POST", fields, body: "abc" });
      }
    },
  },
  {
    id: "rfc9112.6.1-1",
    title: "a transfer coding that nobody knows is refused",
    level: "must",
    spec: "RFC 9112 6.1",
    hint: "501 (or 400), and close",
    *check(target) {
      const fields = ["Transfer-Encoding: xchunked"];
      yield* expectKept(target, { method: "POST", fields, body: "0\r\n\r\n" });
    },
  },
  {
    id: "rfc9112.7.1-1",
    title: "a chunked request arrives whole",
    level: "must",
    spec: "RFC 9112 7.1",
    hint: "decode chunks, and frame the body anew",
    *check(target) {
      const path = target.origin.place(() => ok());
      const fields = ["Transfer-Encoding: chunked"];
      const body = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
      const text = through(target, path, { method: "POST", fields, body });
      first(yield* raw(text, { methods: ["POST"] }));
      const seen = arrived(target, path);
      expectThat(seen.body === "abcde", `the origin reads ${seen.body.length} octets of 5`);
    },
  },
  {
    id: "rfc9112.7.1-2",
    title: "a size of a chunk that is none is not passed on as a whole request",
    level: "must",
    spec: "RFC 9112 7.1",
    hint: "400 to sizes that are not hexadecimal digits alone",
    *check(target) {
      for (const size of ["0x3", "-3", "3g"]) {
        const fields = ["Transfer-Encoding: chunked"];
        const body = `${size}\r\nabc\r\n0\r\n\r\n`;
        yield* expectKept(target, { method: "POST", fields, body });
      }
    },
  },
  {
    id: "rfc9112.5.1-1",
    title: "a blank before the colon of a request is refused",
    level: "must",
    spec: "RFC 9112 5.1",
    hint: "400: the next reader may see another field",
    *check(target) {
      yield* expectKept(target, { fields: ["X-Netkit : 1"] });
    },
  },
  {
    id: "rfc9112.5.1-2",
    title: "a blank before the colon of a response is removed",
    level: "must",
    spec: "RFC 9112 5.1",
    hint: "remove it, or answer 502",
    *check(target) {
      const path = target.origin.place(() => ok(["X-Netkit : 1"]));
      const reply = yield* raw(through(target, path), {});
      expectThat(reply.fault === undefined, reply.fault ?? "");
    },
  },
  {
    id: "rfc9112.5.2-1",
    title: "a folded line of a response is not passed on as such",
    level: "must",
    spec: "RFC 9112 5.2",
    hint: "replace the fold by blanks, or answer 502",
    *check(target) {
      const path = target.origin.place(() => ok(["X-Netkit: 1", " 2"]));
      const reply = yield* raw(through(target, path), {});
      expectThat(reply.fault === undefined, reply.fault ?? "");
    },
  },
  {
    id: "rfc9112.2.2-1",
    title: "a bare CR is not passed on",
    level: "must",
    spec: "RFC 9112 2.2",
    hint: "refuse, or replace it by a blank",
    *check(target) {
      const path = target.origin.place(() => ok());
      yield* raw(through(target, path, { fields: ["X-Netkit: a\rb"] }), {});
      const [seen] = target.origin.requests(path);
      const value = seen?.fields.find(({ name }) => name.toLowerCase() === "x-netkit")?.value;
      expectThat(value?.includes("\r") !== true, "it is passed on");
    },
  },
  {
    id: "rfc9110.5.5-1",
    title: "NUL in a value is refused or replaced",
    level: "must",
    spec: "RFC 9110 5.5",
    hint: "400",
    *check(target) {
      yield* expectKept(target, { fields: ["X-Netkit: a\0b"] });
    },
  },
  {
    id: "rfc9112.3.2-2",
    title: "a request without Host is refused",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "400, even where the target names the host",
    *check(target) {
      yield* expectKept(target, { host: false });
    },
  },
  {
    id: "rfc9112.3.2-3",
    title: "a request with two Host fields is refused",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "400",
    *check(target) {
      yield* expectKept(target, { fields: ["Host: other.example"] });
    },
  },
  {
    id: "rfc9112.3.2-4",
    title: "a target with a blank is not passed on",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "400 to request lines that do not have three parts",
    *check(target) {
      const path = target.origin.place(() => ok());
      yield* raw(`GET ${targetOf(target, path)} x HTTP/1.1\r\nHost: ${target.host}\r\n\r\n`, {});
      expectThat(target.origin.requests(path).length === 0, "it is passed on");
    },
  },
  {
    id: "rfc9112.6.3-5",
    title: "a response with two lengths gives 502",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "close the connection to the origin, and answer 502",
    *check(target) {
      yield* expectBadGateway(target, lines(["Content-Length: 3", "Content-Length: 5"], "hello"));
    },
  },
  {
    id: "rfc9112.6.3-6",
    title: "a response with a length that is no number gives 502",
    level: "must",
    spec: "RFC 9112 6.3",
    hint: "close the connection to the origin, and answer 502",
    *check(target) {
      yield* expectBadGateway(target, lines(["Content-Length: 5x"], "hello"));
    },
  },
  {
    id: "rfc9110.15.6.3-1",
    title: "what is no HTTP gives 502",
    level: "should",
    spec: "RFC 9110 15.6.3",
    hint: "answer 502 where the status line is none",
    *check(target) {
      yield* expectBadGateway(target, { text: "220 mail.example ESMTP\r\n\r\n", close: true });
    },
  },
];

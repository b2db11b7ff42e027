/** Rules of connections: kept, pipelined, closed. RFC 9112 9; RFC 9110 10.1.1. */
import { answer, expectThat, first, header, raw, request } from "./probe.ts";
import type { Rule } from "./rule.ts";
import { Inapplicable } from "./rule.ts";

export const CONNECTIONS: readonly Rule[] = [
  {
    id: "rfc9112.9.3-1",
    title: "HTTP/1.1 connections are kept",
    level: "should",
    spec: "RFC 9112 9.3",
    hint: "persist unless either side says close",
    *check(target) {
      const reply = yield* raw(`${request(target)}${request(target)}`, { responses: 2 });
      expectThat(
        reply.responses.length === 2,
        `${reply.responses.length} responses to two requests`,
      );
    },
  },
  {
    id: "rfc9112.9.3.2-1",
    title: "pipelined requests are answered in order",
    level: "must",
    spec: "RFC 9112 9.3.2",
    hint: "hold later responses back until the earlier ones are whole",
    *check(target) {
      const text = ["/netkit-none-1", target.path, "/netkit-none-2", target.path]
        .map((one) => request(target, { target: one }))
        .join("");
      const reply = yield* raw(text, { responses: 4 });
      const codes = reply.responses.map(({ statusCode }) => statusCode);
      if (codes.length < 4 && reply.closed)
        throw new Inapplicable("the server closes instead of pipelining");
      expectThat(codes[1] === 200 && codes[3] === 200, `status codes ${codes.join(", ")}`);
      expectThat(codes[0] !== 200 && codes[2] !== 200, `status codes ${codes.join(", ")}`);
    },
  },
  {
    id: "rfc9112.9.6-1",
    title: "after a request that says close the connection closes",
    level: "must",
    spec: "RFC 9112 9.6",
    hint: "close once the response is sent",
    *check(target) {
      const fields = ["Connection: close"];
      const reply = yield* raw(request(target, { fields }), { responses: 0 });
      first(reply);
      expectThat(reply.closed, "it stays open");
    },
  },
  {
    id: "rfc9112.9.6-2",
    title: "the last response says close as well",
    level: "should",
    spec: "RFC 9112 9.6",
    hint: "send Connection: close with the last response",
    *check(target) {
      const response = yield* answer(target, { fields: ["Connection: close"] });
      const value = header(response, "connection")?.toLowerCase() ?? "";
      expectThat(value.includes("close"), "no Connection: close");
    },
  },
  {
    id: "rfc9112.9.3-2",
    title: "HTTP/1.0 without keep-alive closes",
    level: "must",
    spec: "RFC 9112 9.3",
    hint: "a 1.0 client reads up to the close",
    *check(target) {
      const reply = yield* raw(request(target, { version: "HTTP/1.0" }), { responses: 0 });
      first(reply);
      expectThat(reply.closed, "it stays open");
    },
  },
  {
    id: "rfc9112.7-1",
    title: "HTTP/1.0 clients get no chunked body",
    level: "must",
    spec: "RFC 9112 6.1",
    hint: "send to 1.0 by length, or up to the close",
    *check(target) {
      const response = yield* answer(target, { version: "HTTP/1.0" });
      expectThat(
        header(response, "transfer-encoding") === undefined,
        "Transfer-Encoding to HTTP/1.0",
      );
    },
  },
  {
    id: "rfc9112.6.2-2",
    title: "no response has both Content-Length and Transfer-Encoding",
    level: "must",
    spec: "RFC 9112 6.2",
    hint: "leave Content-Length out where the body is chunked",
    *check(target) {
      for (const path of [target.path, "/netkit-none"]) {
        const response = yield* answer(target, { target: path });
        const both =
          header(response, "content-length") !== undefined &&
          header(response, "transfer-encoding") !== undefined;
        expectThat(!both, `both fields in the response to ${path}`);
      }
    },
  },
  {
    id: "rfc9112.2.2-4",
    title: "a request in segments of one octet is read",
    level: "must",
    spec: "RFC 9112 2.2",
    hint: "keep what is not whole until more comes",
    *check(target) {
      const response = first(yield* raw(request(target), { size: 1 }));
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9110.10.1.1-1",
    title: "a client that waits for 100 (Continue) is answered",
    level: "must",
    spec: "RFC 9110 10.1.1",
    hint: "send 100 or a final status once the head is there",
    *check(target) {
      const fields = ["Expect: 100-continue", "Content-Length: 3"];
      const reply = yield* raw(request(target, { method: "POST", fields }), {
        responses: 1,
        methods: ["POST"],
      });
      expectThat(
        reply.interim.includes(100) || reply.responses.length > 0,
        "neither 100 nor a final status",
      );
    },
  },
  {
    id: "rfc9110.10.1.1-2",
    title: "HTTP/1.0 clients get no 100",
    level: "must",
    spec: "RFC 9110 15.2",
    hint: "no interim response to 1.0",
    *check(target) {
      const fields = ["Expect: 100-continue", "Content-Length: 3"];
      const head = request(target, { method: "POST", version: "HTTP/1.0", fields, body: "abc" });
      const reply = yield* raw(head, { methods: ["POST"] });
      expectThat(reply.interim.length === 0, `interim ${reply.interim.join(", ")}`);
    },
  },
];

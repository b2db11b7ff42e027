/** Rules of what a proxy does to responses. RFC 9110 7.6, 7.7, 15; RFC 9112 6, 8. */
import { expectThat, first, header, raw } from "../http/probe.ts";
import { Inapplicable } from "../rule.ts";
import type { Play } from "./origin.ts";
import { ask, ok, passedBack, through, values } from "./probe.ts";
import type { Rule } from "./rule.ts";

const text = (body: Uint8Array) => Buffer.from(body).toString("latin1");

const CHUNKED: Play = {
  text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
};

export const RESPONSES: readonly Rule[] = [
  {
    id: "rfc9110.7.6.1-3",
    title: "fields that Connection of a response names are not passed on",
    level: "must",
    spec: "RFC 9110 7.6.1",
    hint: "remove each field that Connection lists, in both directions",
    *check(target) {
      const play = ok(["Connection: X-Netkit-Hop", "X-Netkit-Hop: 1"]);
      const response = yield* passedBack(target, play);
      expectThat(header(response, "x-netkit-hop") === undefined, "X-Netkit-Hop is passed on");
    },
  },
  {
    id: "rfc9110.7.6.1-4",
    title: "Keep-Alive of the origin is not passed on",
    level: "should",
    spec: "RFC 9110 7.6.1",
    hint: "it speaks of another connection: remove it",
    *check(target) {
      const response = yield* passedBack(target, ok(["Keep-Alive: timeout=77"]));
      expectThat(header(response, "keep-alive") !== "timeout=77", "Keep-Alive is passed on");
    },
  },
  {
    id: "rfc9110.7.6.3-3",
    title: "a forward proxy adds Via to responses",
    level: "must",
    spec: "RFC 9110 7.6.3",
    hint: "add Via to what goes back as well",
    *check(target) {
      if (!target.forward) throw new Inapplicable("a gateway may leave Via out of responses");
      const response = yield* passedBack(target, ok());
      expectThat(header(response, "via") !== undefined, "no Via");
    },
  },
  {
    id: "rfc9110.7.7-2",
    title: "a body with no-transform is passed on as it came",
    level: "must",
    spec: "RFC 9110 7.7",
    hint: "no coding and no change where Cache-Control says no-transform",
    *check(target) {
      const body = `<html><body>${"netkit ".repeat(400)}</body></html>`;
      const fields = ["Content-Type: text/html", "Cache-Control: no-transform"];
      const path = target.origin.place(() => ok(fields, body));
      const response = yield* ask(target, path, { fields: ["Accept-Encoding: gzip"] });
      expectThat(header(response, "content-encoding") === undefined, "it is coded anew");
      expectThat(text(response.body) === body, "the body is another");
    },
  },
  {
    id: "rfc9110.5.1-2",
    title: "fields of responses that nobody knows are passed on",
    level: "must",
    spec: "RFC 9110 5.1",
    hint: "remove only what is of the connection",
    *check(target) {
      const response = yield* passedBack(target, ok(["X-Netkit-Odd: a b;c"]));
      expectThat(header(response, "x-netkit-odd") === "a b;c", "X-Netkit-Odd is gone");
    },
  },
  {
    id: "rfc9110.5.3-2",
    title: "Set-Cookie lines stay apart and in order",
    level: "must",
    spec: "RFC 9110 5.3",
    hint: "never join Set-Cookie into one line",
    *check(target) {
      const response = yield* passedBack(target, ok(["Set-Cookie: a=1", "Set-Cookie: b=2"]));
      const came = values(response.fields, "set-cookie").join(" | ");
      expectThat(came === "a=1 | b=2", `Set-Cookie: ${came}`);
    },
  },
  {
    id: "rfc9110.11.6.1-1",
    title: "WWW-Authenticate is passed on unchanged",
    level: "must",
    spec: "RFC 9110 11.6.1",
    hint: "leave challenges of origins alone",
    *check(target) {
      const value = 'Basic realm="netkit"';
      const play = ok([`WWW-Authenticate: ${value}`], "", "401 Unauthorized");
      const response = yield* passedBack(target, play);
      expectThat(response.statusCode === 401, `status ${response.statusCode}, expected 401`);
      expectThat(header(response, "www-authenticate") === value, "it is gone or another");
    },
  },
  {
    id: "rfc9110.15-1",
    title: "a status code that nobody knows is passed on",
    level: "must",
    spec: "RFC 9110 15",
    hint: "treat it as x00, and pass it on as it is",
    *check(target) {
      const { statusCode } = yield* passedBack(target, ok([], "hello", "299 Odd"));
      expectThat(statusCode === 299, `status ${statusCode}, expected 299`);
    },
  },
  {
    id: "rfc9110.15.2-1",
    title: "interim responses are passed on",
    level: "must",
    spec: "RFC 9110 15.2",
    hint: "pass 103 on at once; only a 100 that the proxy asked for is its own",
    *check(target) {
      const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
      const path = target.origin.place(() => ({ text: `${hints}${ok().text}` }));
      const reply = yield* raw(through(target, path), {});
      expectThat(first(reply).statusCode === 200, "the final response is lost");
      expectThat(reply.interim.includes(103), "103 is not passed on");
    },
  },
  {
    id: "rfc9110.2.5-2",
    title: "responses are passed on with the proxy's own version",
    level: "must",
    spec: "RFC 9110 2.5",
    hint: "say HTTP/1.1, whatever the origin speaks",
    *check(target) {
      const play = { text: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", close: true };
      const { version } = yield* passedBack(target, play);
      expectThat(/1\.1$/.test(version), `the client is answered in ${version}`);
    },
  },
  {
    id: "rfc9112.7.1-3",
    title: "a chunked response arrives whole",
    level: "must",
    spec: "RFC 9112 7.1",
    hint: "decode chunks, and frame the body anew",
    *check(target) {
      const { body } = yield* passedBack(target, CHUNKED);
      expectThat(text(body) === "abcde", `${body.length} octets of 5`);
    },
  },
  {
    id: "rfc9112.6.1-2",
    title: "HTTP/1.0 clients get no chunked body",
    level: "must",
    spec: "RFC 9112 6.1",
    hint: "send to 1.0 by length, or up to the close",
    *check(target) {
      const path = target.origin.place(() => CHUNKED);
      const response = yield* ask(target, path, { version: "HTTP/1.0" });
      const coding = header(response, "transfer-encoding");
      expectThat(coding === undefined, `Transfer-Encoding: ${coding}`);
      expectThat(text(response.body) === "abcde", "the body is another");
    },
  },
  {
    id: "rfc9112.8-1",
    title: "a body that breaks off is not passed on as whole",
    level: "must",
    spec: "RFC 9112 8",
    hint: "break the connection to the client as well",
    *check(target) {
      const play = { text: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", close: true };
      const reply = yield* raw(
        through(
          target,
          target.origin.place(() => play),
        ),
        {},
      );
      expectThat(reply.responses[0]?.statusCode !== 200, "5 octets of 50 come as a whole body");
    },
  },
  {
    id: "rfc9112.8-2",
    title: "chunks that break off are not passed on as whole",
    level: "must",
    spec: "RFC 9112 8",
    hint: "send no last chunk where none came",
    *check(target) {
      const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
      const play = { text: `${head}5\r\nhello\r\n`, close: true };
      const reply = yield* raw(
        through(
          target,
          target.origin.place(() => play),
        ),
        {},
      );
      expectThat(reply.responses[0]?.statusCode !== 200, "it comes as a whole body");
    },
  },
  {
    id: "rfc9110.9.3.2-1",
    title: "HEAD is passed on as HEAD, and has no body",
    level: "must",
    spec: "RFC 9110 9.3.2",
    hint: "what follows a response to HEAD is the next response",
    *check(target) {
      const path = target.origin.place(({ method }) =>
        method === "HEAD" ? { text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" } : ok(),
      );
      const both = `${through(target, path, { method: "HEAD" })}${through(target, path)}`;
      const reply = yield* raw(both, { responses: 2, methods: ["HEAD", "GET"] });
      expectThat(first(reply).statusCode === 200, `HEAD: ${first(reply).statusCode}`);
      const [, get] = reply.responses;
      if (get === undefined && reply.closed) return;
      expectThat(get !== undefined && text(get.body) === "hello", "GET behind it is out of step");
    },
  },
  {
    id: "rfc9110.15.3.5-1",
    title: "204 has no body and no framing",
    level: "must",
    spec: "RFC 9110 15.3.5",
    hint: "no Transfer-Encoding and no Content-Length with 204",
    *check(target) {
      const response = yield* passedBack(target, { text: "HTTP/1.1 204 No Content\r\n\r\n" });
      expectThat(response.statusCode === 204, `status ${response.statusCode}, expected 204`);
      for (const name of ["transfer-encoding", "content-length"])
        expectThat(header(response, name) === undefined, `204 with ${name}`);
    },
  },
  {
    id: "rfc9110.15.6.3-2",
    title: "an origin that closes without a word gives 502",
    level: "should",
    spec: "RFC 9110 15.6.3",
    hint: "answer 502 where no response came",
    *check(target) {
      const { statusCode } = yield* passedBack(target, { text: "", close: true });
      expectThat([502, 504].includes(statusCode), `status ${statusCode}, expected 502`);
    },
  },
];

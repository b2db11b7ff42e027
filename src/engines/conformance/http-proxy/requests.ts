/** Rules of what a proxy does to requests. RFC 9110 7.6, 7.7; RFC 9112 3.2. */
import { expectThat, raw } from "../http/probe.ts";
import { Inapplicable } from "../rule.ts";
import { ask, ok, passed, targetOf, through, values } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const REQUESTS: readonly Rule[] = [
  {
    id: "rfc9112.3.2.1-1",
    title: "the origin is asked in origin-form",
    level: "must",
    spec: "RFC 9112 3.2.1",
    hint: "send path and query alone to an origin",
    *check(target) {
      const seen = yield* passed(target);
      expectThat(seen.target.startsWith("/"), `the request line has ${seen.target}`);
    },
  },
  {
    id: "rfc9112.3.2.2-1",
    title: "the host of an absolute target replaces Host",
    level: "must",
    spec: "RFC 9112 3.2.2",
    hint: "make Host anew from the target; what came is passed over",
    *check(target) {
      const path = target.origin.place(() => ok());
      const absolute = `http://${target.host}${path}`;
      const fields = ["Host: other.example"];
      yield* ask(target, path, { target: absolute, host: false, fields });
      const [seen] = target.origin.requests(path);
      if (seen === undefined) throw new Inapplicable("the request is not passed on");
      const hosts = values(seen.fields, "host");
      expectThat(hosts.length === 1, `${hosts.length} Host fields`);
      expectThat(hosts[0] !== "other.example", "Host is still that of the client");
    },
  },
  {
    id: "rfc9112.3.2-1",
    title: "the origin gets exactly one Host",
    level: "must",
    spec: "RFC 9112 3.2",
    hint: "send one Host with every request",
    *check(target) {
      const hosts = values((yield* passed(target)).fields, "host");
      expectThat(hosts.length === 1, `${hosts.length} Host fields`);
    },
  },
  {
    id: "rfc9110.7.6.3-1",
    title: "requests that are passed on have Via",
    level: "must",
    spec: "RFC 9110 7.6.3",
    hint: "add Via with the version that came and a name",
    *check(target) {
      const via = values((yield* passed(target)).fields, "via").join(", ");
      expectThat(via !== "", "no Via");
      expectThat(/^(HTTP\/)?1\.1 \S+/.test(via), `Via: ${via}`);
    },
  },
  {
    id: "rfc9110.7.6.3-2",
    title: "Via keeps those who came before",
    level: "must",
    spec: "RFC 9110 7.6.3",
    hint: "append to Via, behind what is there",
    *check(target) {
      const via = values((yield* passed(target, { fields: ["Via: 1.0 first"] })).fields, "via");
      const text = via.join(", ");
      expectThat(/^1\.0 first(,|$)/.test(text), text === "" ? "Via is gone" : `Via: ${text}`);
    },
  },
  {
    id: "rfc9110.7.6.1-1",
    title: "fields that Connection names are not passed on",
    level: "must",
    spec: "RFC 9110 7.6.1",
    hint: "remove each field that Connection lists, then Connection itself",
    *check(target) {
      const fields = ["Connection: X-Netkit-Hop", "X-Netkit-Hop: 1"];
      const seen = yield* passed(target, { fields });
      expectThat(values(seen.fields, "x-netkit-hop").length === 0, "X-Netkit-Hop is passed on");
      const options = values(seen.fields, "connection").join(", ").toLowerCase();
      expectThat(!options.includes("x-netkit-hop"), `Connection: ${options}`);
    },
  },
  {
    id: "rfc9110.7.6.1-2",
    title: "Keep-Alive, Proxy-Connection and TE of the client are not passed on",
    level: "should",
    spec: "RFC 9110 7.6.1",
    hint: "remove the fields of the connection even where Connection does not list them",
    *check(target) {
      const fields = ["Keep-Alive: timeout=77", "Proxy-Connection: keep-alive", "TE: trailers"];
      const seen = yield* passed(target, { fields });
      for (const [name, value] of [
        ["keep-alive", "timeout=77"],
        ["proxy-connection", "keep-alive"],
      ] as const) {
        expectThat(!values(seen.fields, name).includes(value), `${name} is passed on`);
      }
      const te = values(seen.fields, "te").length > 0;
      const listed = values(seen.fields, "connection").join().toLowerCase().includes("te");
      expectThat(!te || listed, "TE is passed on, and Connection does not list it");
    },
  },
  {
    id: "rfc9110.7.6.2-1",
    title: "OPTIONS with Max-Forwards: 0 is not passed on",
    level: "must",
    spec: "RFC 9110 7.6.2",
    hint: "answer as the final recipient",
    *check(target) {
      const path = target.origin.place(() => ok());
      yield* ask(target, path, { method: "OPTIONS", fields: ["Max-Forwards: 0"] });
      expectThat(target.origin.requests(path).length === 0, "it is passed on");
    },
  },
  {
    id: "rfc9110.7.6.2-2",
    title: "TRACE with Max-Forwards: 0 is not passed on",
    level: "must",
    spec: "RFC 9110 7.6.2",
    hint: "answer as the final recipient, or refuse TRACE",
    *check(target) {
      const path = target.origin.place(() => ok());
      yield* ask(target, path, { method: "TRACE", fields: ["Max-Forwards: 0"] });
      expectThat(target.origin.requests(path).length === 0, "it is passed on");
    },
  },
  {
    id: "rfc9110.7.6.2-3",
    title: "Max-Forwards of OPTIONS counts down",
    level: "must",
    spec: "RFC 9110 7.6.2",
    hint: "pass it on with one less",
    *check(target) {
      const seen = yield* passed(target, { method: "OPTIONS", fields: ["Max-Forwards: 5"] });
      const [value] = values(seen.fields, "max-forwards");
      expectThat(value === "4", `Max-Forwards: ${value ?? "gone"}, expected 4`);
    },
  },
  {
    id: "rfc9110.7.7-1",
    title: "path and query are passed on as they came",
    level: "must",
    spec: "RFC 9110 7.7",
    hint: "do not normalise, decode or encode what is not ours",
    *check(target) {
      const query = "?a=%7e&b=%2F&&c=;d";
      const path = target.origin.place(() => ok());
      yield* ask(target, path, { query });
      const [seen] = target.origin.requests(path);
      if (seen === undefined) throw new Inapplicable("the request is not passed on");
      const came = seen.target.replace(/^http:\/\/[^/]*/, "");
      expectThat(came === `${path}${query}`, `the origin is asked for ${came}`);
    },
  },
  {
    id: "rfc9110.5.1-1",
    title: "fields that nobody knows are passed on",
    level: "must",
    spec: "RFC 9110 5.1",
    hint: "remove only what is of the connection",
    *check(target) {
      const seen = yield* passed(target, { fields: ["X-Netkit-Odd: a b;c"] });
      expectThat(values(seen.fields, "x-netkit-odd")[0] === "a b;c", "X-Netkit-Odd is gone");
    },
  },
  {
    id: "rfc9110.5.3-1",
    title: "lines of one field keep their order",
    level: "must",
    spec: "RFC 9110 5.3",
    hint: "do not reorder lines of the same name",
    *check(target) {
      const fields = ["X-Netkit: 1", "X-Netkit: 2", "X-Netkit: 3"];
      const came = values((yield* passed(target, { fields })).fields, "x-netkit");
      expectThat(/^1, ?2, ?3$/.test(came.join(", ")), `X-Netkit: ${came.join(", ")}`);
    },
  },
  {
    id: "rfc9110.11.6.2-1",
    title: "Authorization is passed on unchanged",
    level: "must",
    spec: "RFC 9110 11.6.2",
    hint: "leave Authorization alone",
    *check(target) {
      const value = "Basic bmV0a2l0OnNlY3JldA==";
      const seen = yield* passed(target, { fields: [`Authorization: ${value}`] });
      expectThat(values(seen.fields, "authorization")[0] === value, "it is gone or another");
    },
  },
  {
    id: "rfc9110.2.5-1",
    title: "requests are passed on with the proxy's own version",
    level: "must",
    spec: "RFC 9110 2.5",
    hint: "a request of HTTP/1.2 is not one of ours: say 1.1 (or 1.0)",
    *check(target) {
      const path = target.origin.place(() => ok());
      yield* ask(target, path, { version: "HTTP/1.2" });
      const [seen] = target.origin.requests(path);
      if (seen === undefined) throw new Inapplicable("HTTP/1.2 is not passed on");
      expectThat(/1\.[01]$/.test(seen.version), `the origin is asked in ${seen.version}`);
    },
  },
  {
    id: "rfc9110.9.2.2-1",
    title: "POST is not sent twice when the origin breaks",
    level: "must",
    spec: "RFC 9110 9.2.2",
    hint: "repeat on its own only what is idempotent",
    *check(target) {
      const path = target.origin.place(() => ({ text: "", close: true }));
      const text = through(target, path, {
        method: "POST",
        fields: ["Content-Length: 3"],
        body: "abc",
      });
      yield* raw(text, { methods: ["POST"] });
      const times = target.origin.requests(path).length;
      expectThat(times <= 1, `the origin gets it ${times} times`);
    },
  },
  {
    id: "rfc9112.9.3.2-1",
    title: "pipelined requests are answered in order",
    level: "must",
    spec: "RFC 9112 9.3.2",
    hint: "hold later responses back until the earlier ones are whole",
    *check(target) {
      const paths = ["a", "bb", "ccc"].map((body) => target.origin.place(() => ok([], body)));
      const text = paths.map((path) => through(target, path)).join("");
      const reply = yield* raw(text, { responses: 3 });
      const sizes = reply.responses.map(({ body }) => body.length);
      if (sizes.length < 3 && reply.closed) throw new Inapplicable("the proxy does not pipeline");
      expectThat(sizes.join() === "1,2,3", `bodies of ${sizes.join(", ")} octets`);
    },
  },
  {
    id: "rfc9110.10.1.1-1",
    title: "a body that waits for 100 (Continue) arrives",
    level: "must",
    spec: "RFC 9110 10.1.1",
    hint: "send 100, or pass on the origin's",
    *check(target) {
      const path = target.origin.place(() => ok());
      const fields = ["Expect: 100-continue", "Content-Length: 3"];
      const text = `POST ${targetOf(target, path)} HTTP/1.1\r\nHost: ${target.host}\r\n${fields.join("\r\n")}\r\n\r\n`;
      const reply = yield* raw(text, { methods: ["POST"], wait: 1500 });
      const said = reply.interim.includes(100) || reply.responses.length > 0;
      expectThat(said, "neither 100 nor a final status");
    },
  },
];

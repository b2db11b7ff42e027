/** Rules of what a shared cache must not keep, or not use unasked. RFC 9111 3, 4.1, 5.2.2. */
import { expectThat, header, raw } from "../http/probe.ts";
import { ask, ok, through } from "../http-proxy/probe.ts";
import type { Rule } from "../http-proxy/rule.ts";
import type { Level } from "../rule.ts";
import { Inapplicable } from "../rule.ts";
import { bodyOf, expectAsked, gets, numbered, stored, twice } from "./probe.ts";

/** Responses with these fields are the origin's alone to give, each time. */
const NOT_REUSED: readonly (readonly [
  section: string,
  n: number,
  title: string,
  fields: readonly string[],
  hint: string,
  level?: Level,
])[] = [
  ["5.2.2.5", 1, "no-store is not kept", ["Cache-Control: no-store, max-age=3600"], "do not store"],
  [
    "5.2.2.5",
    2,
    "NO-STORE is no-store",
    ["Cache-Control: NO-STORE, max-age=3600"],
    "compare names of directives without case",
  ],
  [
    "5.2.2.5",
    3,
    "no-store counts in a second line",
    ["Cache-Control: max-age=3600", "Cache-Control: no-store"],
    "read all lines of Cache-Control as one list",
  ],
  [
    "5.2.2.7",
    1,
    "private is not kept",
    ["Cache-Control: private, max-age=3600"],
    "a shared cache stores nothing private",
  ],
  [
    "5.2.2.4",
    1,
    "no-cache is not used unasked",
    ["Cache-Control: no-cache, max-age=3600"],
    "validate before each use",
  ],
  [
    "5.2.2.10",
    1,
    "s-maxage goes before max-age",
    ["Cache-Control: max-age=3600, s-maxage=0"],
    "a shared cache reads s-maxage first",
  ],
  [
    "5.2.2.2",
    1,
    "must-revalidate with max-age=0 is not used unasked",
    ["Cache-Control: max-age=0, must-revalidate"],
    "validate what is stale",
  ],
  [
    "4.2.3",
    1,
    "Age that came counts",
    ["Cache-Control: max-age=60", "Age: 100"],
    "begin with the Age that the response has",
  ],
  [
    "4.1",
    1,
    "Vary: * is not used unasked",
    ["Cache-Control: max-age=3600", "Vary: *"],
    "it matches no request",
  ],
  ["5.3", 1, "Expires: 0 has expired", ["Expires: 0"], "an invalid date is one in the past"],
  [
    "5.3",
    2,
    "an Expires in the past has expired",
    ["Expires: Thu, 01 Jan 2015 00:00:00 GMT", "Date: Thu, 01 Jan 2015 00:00:01 GMT"],
    "compare Expires with Date",
  ],
  [
    "5.3",
    3,
    "max-age goes before Expires",
    ["Cache-Control: max-age=0", "Expires: Fri, 01 Jan 2094 00:00:00 GMT"],
    "do not look at Expires where there is max-age",
  ],
];

const byField: readonly Rule[] = NOT_REUSED.map(
  ([section, n, title, fields, hint, level = "must"]) => ({
    id: `rfc9111.${section}-${n}`,
    ...{ title, level, hint },
    spec: `RFC 9111 ${section}`,
    *check(target) {
      expectAsked(yield* twice(target, numbered(fields)));
    },
  }),
);

const FRESH = ["Cache-Control: max-age=3600"];

export const STORING: readonly Rule[] = [
  ...byField,
  {
    id: "rfc9111.3.5-1",
    title: "a response to Authorization is not given to others",
    level: "must",
    spec: "RFC 9111 3.5",
    hint: "store it only with public, s-maxage or must-revalidate",
    *check(target) {
      const fields = ["Authorization: Basic bmV0a2l0OnNlY3JldA=="];
      expectAsked(yield* twice(target, numbered(FRESH), { fields }, {}));
    },
  },
  {
    id: "rfc9111.4.1-2",
    title: "a field that Vary names must be alike",
    level: "must",
    spec: "RFC 9111 4.1",
    hint: "keep the fields that Vary names with the response",
    *check(target) {
      const fields = [...FRESH, "Vary: X-Netkit"];
      const one = { fields: ["X-Netkit: 1"] };
      expectAsked(yield* twice(target, numbered(fields), one, { fields: ["X-Netkit: 2"] }));
    },
  },
  {
    id: "rfc9111.4.1-3",
    title: "a field that Vary names and that is not there is not any value",
    level: "must",
    spec: "RFC 9111 4.1",
    hint: "absent matches absent alone",
    *check(target) {
      const fields = [...FRESH, "Vary: X-Netkit"];
      expectAsked(yield* twice(target, numbered(fields), {}, { fields: ["X-Netkit: 2"] }));
    },
  },
  {
    id: "rfc9111.2-1",
    title: "another query is another URI",
    level: "must",
    spec: "RFC 9111 2",
    hint: "the key is the whole URI",
    *check(target) {
      const path = target.origin.place(numbered(FRESH));
      yield* ask(target, path, { query: "?a" });
      yield* ask(target, path, { query: "?b" });
      expectThat(target.origin.requests(path).length === 2, "one query is answered with the other");
    },
  },
  {
    id: "rfc9111.4-1",
    title: "POST is not answered with what GET gave",
    level: "must",
    spec: "RFC 9111 4",
    hint: "write through what is not safe",
    *check(target) {
      const path = yield* stored(target);
      yield* ask(target, path, { method: "POST", fields: ["Content-Length: 3"], body: "abc" });
      const posts = target.origin.requests(path).filter(({ method }) => method === "POST");
      expectThat(posts.length === 1, `the origin gets ${posts.length} POST`);
    },
  },
  {
    id: "rfc9111.3.3-1",
    title: "a body that broke off is not kept as whole",
    level: "must",
    spec: "RFC 9111 3.3",
    hint: "store it when all octets of Content-Length came, or as incomplete",
    *check(target) {
      const head = `HTTP/1.1 200 OK\r\n${FRESH[0]}\r\nContent-Length: 50\r\n\r\n`;
      const path = target.origin.place((_seen, nth) =>
        nth === 1 ? { text: `${head}broken`, close: true } : ok(FRESH, "whole"),
      );
      yield* raw(through(target, path), {});
      const second = yield* ask(target, path);
      expectThat(bodyOf(second) === "whole", `the body is ${bodyOf(second)}`);
    },
  },
  {
    id: "rfc9111.3.3-2",
    title: "a part is not given for the whole",
    level: "must",
    spec: "RFC 9111 3.3",
    hint: "a stored 206 answers requests for that range alone",
    *check(target) {
      const part = [...FRESH, "Content-Range: bytes 0-1/5", 'ETag: "a"'];
      const path = target.origin.place(({ fields }) =>
        fields.some(({ name, value }) => name.toLowerCase() === "range" && value === "bytes=0-1")
          ? ok(part, "he", "206 Partial Content")
          : ok([...FRESH, 'ETag: "a"'], "hello"),
      );
      yield* ask(target, path, { fields: ["Range: bytes=0-1"] });
      const whole = yield* ask(target, path);
      expectThat(whole.statusCode === 200, `status ${whole.statusCode}, expected 200`);
      expectThat(bodyOf(whole) === "hello", `the body is ${bodyOf(whole)}`);
    },
  },
  {
    id: "rfc9111.3.1-1",
    title: "fields that Connection names are not kept",
    level: "must",
    spec: "RFC 9111 3.1",
    hint: "remove them before the response is stored",
    *check(target) {
      const fields = ["Connection: X-Netkit-Hop", "X-Netkit-Hop: 1"];
      const path = yield* stored(target, fields);
      const again = yield* ask(target, path);
      expectThat(header(again, "x-netkit-hop") === undefined, "X-Netkit-Hop is in the store");
    },
  },
  ...(["PUT", "DELETE", "POST"] as const).map(
    (method, i): Rule => ({
      id: `rfc9111.4.4-${i + 1}`,
      title: `${method} that succeeds invalidates the URI`,
      level: "must",
      spec: "RFC 9111 4.4",
      hint: "mark what is stored of the URI stale when an unsafe method gets 2xx or 3xx",
      *check(target) {
        const path = yield* stored(target);
        const fields = ["Content-Length: 3"];
        const response = yield* ask(target, path, { method, fields, body: "abc" });
        if (response.statusCode >= 400) throw new Inapplicable(`${method} is refused`);
        yield* ask(target, path);
        expectThat(gets(target, path) === 2, "what was stored before is still used");
      },
    }),
  ),
  {
    id: "rfc9111.4.4-4",
    title: "PUT that fails does not invalidate",
    level: "should",
    spec: "RFC 9111 4.4",
    hint: "an error of the origin changed nothing",
    *check(target) {
      const path = yield* stored(target, [], (_nth, method) =>
        method === "PUT" ? ok([], "no", "500 Internal Server Error") : undefined,
      );
      const fields = ["Content-Length: 3"];
      yield* ask(target, path, { method: "PUT", fields, body: "abc" });
      yield* ask(target, path);
      expectThat(gets(target, path) === 1, "what is stored is not used any more");
    },
  },
];

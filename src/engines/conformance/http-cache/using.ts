/** Rules of what a cache gives from its store, and how it validates. RFC 9111 4, 5.1, 5.2.1. */
import { expectThat, header } from "../http/probe.ts";
import { ask, ok, values } from "../http-proxy/probe.ts";
import type { Rule } from "../http-proxy/rule.ts";
import { Inapplicable } from "../rule.ts";
import { bodyOf, expectAsked, expectReused, numbered, pause, stored, twice } from "./probe.ts";

const REUSED: readonly (readonly [
  section: string,
  n: number,
  title: string,
  fields: readonly string[],
  hint: string,
])[] = [
  [
    "4.2.1",
    1,
    "max-age is used",
    ["Cache-Control: max-age=3600"],
    "store what has explicit freshness",
  ],
  [
    "4.2.1",
    2,
    "s-maxage is used where max-age is 0",
    ["Cache-Control: max-age=0, s-maxage=3600"],
    "a shared cache reads s-maxage first",
  ],
  [
    "4.2.1",
    3,
    "Expires is used",
    ["Expires: Fri, 01 Jan 2094 00:00:00 GMT"],
    "freshness is Expires less Date",
  ],
  [
    "5.2.3",
    1,
    "directives that nobody knows are passed over",
    ['Cache-Control: max-age=3600, netkit="a, no-store", odd'],
    "read quoted values as values",
  ],
  [
    "4.1",
    4,
    "Vary with a field that is absent in both is alike",
    ["Cache-Control: max-age=3600", "Vary: X-Netkit"],
    "absent matches absent",
  ],
];

const byField: readonly Rule[] = REUSED.map(([section, n, title, fields, hint]) => ({
  id: `rfc9111.${section}-${n}`,
  ...{ title, hint },
  level: "should",
  spec: `RFC 9111 ${section}`,
  *check(target) {
    expectReused(yield* twice(target, numbered(fields)));
  },
}));

const SHORT = ["Cache-Control: max-age=1"];
const NOT_MODIFIED = (fields: readonly string[]) => ({
  text: `HTTP/1.1 304 Not Modified\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`,
});

export const USING: readonly Rule[] = [
  ...byField,
  {
    id: "rfc9111.4.2.1-4",
    title: "404 with max-age is used",
    level: "should",
    spec: "RFC 9111 4.2.1",
    hint: "explicit freshness holds for every status code that is understood",
    *check(target) {
      const answer = numbered(["Cache-Control: max-age=3600"], "404 Not Found");
      expectReused(yield* twice(target, answer));
    },
  },
  {
    id: "rfc9111.3.5-2",
    title: "a response to Authorization with public is given to others",
    level: "may",
    spec: "RFC 9111 3.5",
    hint: "public allows it",
    *check(target) {
      const fields = ["Authorization: Basic bmV0a2l0OnNlY3JldA=="];
      const answer = numbered(["Cache-Control: public, max-age=3600"]);
      expectReused(yield* twice(target, answer, { fields }, {}));
    },
  },
  {
    id: "rfc9111.5.1-1",
    title: "what comes from the store has Age",
    level: "must",
    spec: "RFC 9111 5.1",
    hint: "send Age with every response that was not just validated",
    *check(target) {
      const again = yield* ask(target, yield* stored(target));
      const age = header(again, "age");
      expectThat(age !== undefined && /^\d+$/.test(age), `Age: ${age ?? "none"}`);
    },
  },
  {
    id: "rfc9111.4.2.3-2",
    title: "Age counts on from the Age that came",
    level: "must",
    spec: "RFC 9111 4.2.3",
    hint: "add the time in the store to the Age that came",
    *check(target) {
      const again = yield* ask(target, yield* stored(target, ["Age: 30"]));
      const age = Number(header(again, "age"));
      expectThat(age >= 30 && age < 60, `Age: ${header(again, "age") ?? "none"}, expected 30`);
    },
  },
  {
    id: "rfc9111.4.2-1",
    title: "what is stale by one second is not used unasked",
    level: "must",
    spec: "RFC 9111 4.2.4",
    hint: "compare the age with the lifetime at each use",
    *check(target) {
      const fields = ["Cache-Control: max-age=1, must-revalidate"];
      expectAsked(yield* twice(target, numbered(fields), {}, {}, 2200));
    },
  },
  {
    id: "rfc9111.4.3.1-1",
    title: "a validation has the entity tag in If-None-Match",
    level: "must",
    spec: "RFC 9111 4.3.1",
    hint: "send If-None-Match with the stored ETag",
    *check(target) {
      const path = target.origin.place(numbered([...SHORT, 'ETag: "netkit"']));
      yield* ask(target, path);
      yield* pause();
      yield* ask(target, path);
      const second = target.origin.requests(path)[1];
      if (second === undefined) throw new Inapplicable("the origin is not asked again");
      const tags = values(second.fields, "if-none-match").join(", ");
      expectThat(tags.includes('"netkit"'), "no If-None-Match");
    },
  },
  {
    id: "rfc9111.4.3.1-2",
    title: "a validation has the date in If-Modified-Since",
    level: "should",
    spec: "RFC 9111 4.3.1",
    hint: "send If-Modified-Since with the stored Last-Modified",
    *check(target) {
      const date = "Thu, 01 Jan 2015 00:00:00 GMT";
      const path = target.origin.place(numbered([...SHORT, `Last-Modified: ${date}`]));
      yield* ask(target, path);
      yield* pause();
      yield* ask(target, path);
      const second = target.origin.requests(path)[1];
      if (second === undefined) throw new Inapplicable("the origin is not asked again");
      const since = values(second.fields, "if-modified-since")[0];
      expectThat(since === date, `If-Modified-Since: ${since ?? "none"}`);
    },
  },
  {
    id: "rfc9111.4.3.3-1",
    title: "304 to a validation gives the client the stored body",
    level: "must",
    spec: "RFC 9111 4.3.3",
    hint: "the client did not ask on a condition: 200 with what is stored",
    *check(target) {
      const tag = 'ETag: "netkit"';
      const path = target.origin.place((seen) =>
        values(seen.fields, "if-none-match").length > 0
          ? NOT_MODIFIED([...SHORT, tag])
          : ok([...SHORT, tag], "body 1"),
      );
      yield* ask(target, path);
      yield* pause();
      const second = yield* ask(target, path);
      expectThat(second.statusCode === 200, `status ${second.statusCode}, expected 200`);
      expectThat(bodyOf(second) === "body 1", `the body is ${bodyOf(second)}`);
    },
  },
  {
    id: "rfc9111.3.2-1",
    title: "304 brings the stored fields up to date",
    level: "must",
    spec: "RFC 9111 3.2",
    hint: "replace what is stored by the fields of 304",
    *check(target) {
      const tag = 'ETag: "netkit"';
      const path = target.origin.place((seen) =>
        values(seen.fields, "if-none-match").length > 0
          ? NOT_MODIFIED(["Cache-Control: max-age=3600", tag, "X-Netkit: new"])
          : ok([...SHORT, tag, "X-Netkit: old"], "body 1"),
      );
      yield* ask(target, path);
      yield* pause();
      yield* ask(target, path);
      const third = yield* ask(target, path);
      const value = header(third, "x-netkit");
      expectThat(value === "new", `X-Netkit: ${value ?? "none"}, expected new`);
    },
  },
  {
    id: "rfc9111.4.3.2-1",
    title: "If-None-Match of a client is answered from the store",
    level: "should",
    spec: "RFC 9111 4.3.2",
    hint: "304 where the stored ETag is among the client's",
    *check(target) {
      const path = yield* stored(target, ['ETag: "netkit"']);
      const response = yield* ask(target, path, { fields: ['If-None-Match: "netkit"'] });
      expectThat(response.statusCode === 304, `status ${response.statusCode}, expected 304`);
      expectThat(target.origin.requests(path).length === 1, "the origin is asked");
    },
  },
  {
    id: "rfc9111.4.3.2-2",
    title: "If-None-Match with another tag gives the whole",
    level: "must",
    spec: "RFC 9111 4.3.2",
    hint: "compare tags, not their presence",
    *check(target) {
      const path = yield* stored(target, ['ETag: "netkit"']);
      const response = yield* ask(target, path, { fields: ['If-None-Match: "other"'] });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9111.5.2.1.4-1",
    title: "no-cache of a request asks the origin",
    level: "should",
    spec: "RFC 9111 5.2.1.4",
    hint: "validate before what is stored is used",
    *check(target) {
      const path = yield* stored(target);
      yield* ask(target, path, { fields: ["Cache-Control: no-cache"] });
      expectThat(target.origin.requests(path).length === 2, "it is answered from the store");
    },
  },
  {
    id: "rfc9111.5.2.1.1-1",
    title: "max-age=0 of a request asks the origin",
    level: "should",
    spec: "RFC 9111 5.2.1.1",
    hint: "what is older than the client wants is validated",
    *check(target) {
      const path = yield* stored(target, ["Age: 10"]);
      yield* ask(target, path, { fields: ["Cache-Control: max-age=0"] });
      expectThat(target.origin.requests(path).length === 2, "it is answered from the store");
    },
  },
  {
    id: "rfc9111.5.2.1.7-1",
    title: "only-if-cached with nothing stored gives 504",
    level: "should",
    spec: "RFC 9111 5.2.1.7",
    hint: "504 (Gateway Timeout) without asking the origin",
    *check(target) {
      const path = target.origin.place(() => ok());
      const fields = ["Cache-Control: only-if-cached"];
      const response = yield* ask(target, path, { fields });
      expectThat(response.statusCode === 504, `status ${response.statusCode}, expected 504`);
    },
  },
  {
    id: "rfc9111.5.2.2.2-2",
    title: "must-revalidate is not given stale when the origin breaks",
    level: "must",
    spec: "RFC 9111 5.2.2.2",
    hint: "504 (or another error) rather than what is stale",
    *check(target) {
      const fields = ["Cache-Control: max-age=1, must-revalidate"];
      const path = target.origin.place((_seen, nth) =>
        nth === 1 ? ok(fields, "body 1") : { text: "", close: true },
      );
      yield* ask(target, path);
      yield* pause();
      const { statusCode } = yield* ask(target, path);
      expectThat(statusCode >= 500, `status ${statusCode}, expected 504`);
    },
  },
  {
    id: "rfc9110.14.2-1",
    title: "a range of what is stored is that part, or the whole",
    level: "must",
    spec: "RFC 9110 14.2",
    hint: "206 with Content-Range and exactly those octets, or 200",
    *check(target) {
      const path = yield* stored(target);
      const part = yield* ask(target, path, { fields: ["Range: bytes=1-2"] });
      if (part.statusCode === 200) return;
      expectThat(part.statusCode === 206, `status ${part.statusCode}, expected 206`);
      expectThat(bodyOf(part) === "od", `the body is ${bodyOf(part)}`);
    },
  },
  {
    id: "rfc9111.4-2",
    title: "HEAD is answered from what GET gave, without a body",
    level: "may",
    spec: "RFC 9111 4",
    hint: "a stored GET answers HEAD",
    *check(target) {
      const path = yield* stored(target);
      const head = yield* ask(target, path, { method: "HEAD" });
      expectThat(head.statusCode === 200, `status ${head.statusCode}, expected 200`);
      expectThat(target.origin.requests(path).length === 1, "the origin is asked");
    },
  },
];

/** Rules of methods, validators, ranges and dates. RFC 9110 6.6.1, 9.3, 13, 14. */
import { parseHttpDate } from "../../http/date.ts";
import { parseContentRange } from "../../http/ranges.ts";
import { answer, expectThat, header, raw, request } from "./probe.ts";
import type { Conversation, Rule, Target } from "./rule.ts";
import { Inapplicable } from "./rule.ts";

function* fieldOf(target: Target, name: string): Conversation<string> {
  const response = yield* answer(target);
  const value = header(response, name);
  if (value === undefined) throw new Inapplicable(`${target.path} has no ${name}`);
  return value;
}

export const SEMANTICS: readonly Rule[] = [
  {
    id: "rfc9110.9.3.2-1",
    title: "HEAD has no body, and what follows is in step",
    level: "must",
    spec: "RFC 9110 9.3.2",
    hint: "send the head of GET and nothing behind it",
    *check(target) {
      const text = `${request(target, { method: "HEAD" })}${request(target)}`;
      const reply = yield* raw(text, { responses: 2, methods: ["HEAD", "GET"] });
      expectThat(reply.fault === undefined, reply.fault ?? "");
      const [head, get] = reply.responses;
      expectThat(head?.statusCode === 200, `HEAD: ${head?.statusCode ?? "no response"}`);
      if (get === undefined && reply.closed) return;
      expectThat(get?.statusCode === 200, `GET behind it: ${get?.statusCode ?? "no response"}`);
    },
  },
  {
    id: "rfc9110.9.3.2-2",
    title: "HEAD tells the length that GET has",
    level: "should",
    spec: "RFC 9110 9.3.2",
    hint: "same fields, without the body",
    *check(target) {
      const head = yield* answer(target, { method: "HEAD" });
      const get = yield* answer(target);
      const length = header(head, "content-length");
      if (length === undefined) throw new Inapplicable("HEAD tells no length");
      expectThat(
        Number(length) === get.body.length,
        `HEAD says ${length}, GET has ${get.body.length}`,
      );
    },
  },
  {
    id: "rfc9110.6.6.1-1",
    title: "responses have a Date in the preferred form",
    level: "must",
    spec: "RFC 9110 6.6.1",
    hint: "send Date as IMF-fixdate",
    *check(target) {
      const value = yield* fieldOf(target, "date");
      expectThat(parseHttpDate(value, 0) !== undefined && value.endsWith(" GMT"), `Date: ${value}`);
    },
  },
  {
    id: "rfc9110.13.1.2-1",
    title: "If-None-Match with the entity tag gives 304",
    level: "should",
    spec: "RFC 9110 13.1.2",
    hint: "compare weakly, before the body is made",
    *check(target) {
      const etag = yield* fieldOf(target, "etag");
      const response = yield* answer(target, { fields: [`If-None-Match: "netkit", ${etag}`] });
      expectThat(response.statusCode === 304, `status ${response.statusCode}, expected 304`);
      expectThat(response.body.length === 0, "304 with a body");
    },
  },
  {
    id: "rfc9110.15.4.5-1",
    title: "304 has the entity tag that 200 had",
    level: "must",
    spec: "RFC 9110 15.4.5",
    hint: "send ETag, Date, Vary, Cache-Control, Expires, Content-Location with 304",
    *check(target) {
      const etag = yield* fieldOf(target, "etag");
      const response = yield* answer(target, { fields: [`If-None-Match: ${etag}`] });
      if (response.statusCode !== 304) throw new Inapplicable("no 304");
      expectThat(header(response, "etag") !== undefined, "304 without ETag");
    },
  },
  {
    id: "rfc9110.13.1.3-1",
    title: "If-Modified-Since with the date of the last change gives 304",
    level: "should",
    spec: "RFC 9110 13.1.3",
    hint: "compare in whole seconds",
    *check(target) {
      const date = yield* fieldOf(target, "last-modified");
      const response = yield* answer(target, { fields: [`If-Modified-Since: ${date}`] });
      expectThat(response.statusCode === 304, `status ${response.statusCode}, expected 304`);
    },
  },
  {
    id: "rfc9110.13.1.3-2",
    title: "If-Modified-Since that is no date is passed over",
    level: "must",
    spec: "RFC 9110 13.1.3",
    hint: "ignore the field where it is not one HTTP-date",
    *check(target) {
      const response = yield* answer(target, { fields: ["If-Modified-Since: yesterday"] });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9110.13.2.2-1",
    title: "If-None-Match goes before If-Modified-Since",
    level: "must",
    spec: "RFC 9110 13.2.2",
    hint: "do not look at the date where there are entity tags",
    *check(target) {
      const date = yield* fieldOf(target, "last-modified");
      const fields = ['If-None-Match: "netkit-other"', `If-Modified-Since: ${date}`];
      const response = yield* answer(target, { fields });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9110.13.1.1-1",
    title: "If-Match with another entity tag gives 412",
    level: "must",
    spec: "RFC 9110 13.1.1",
    hint: "carry out nothing whose If-Match fails",
    *check(target) {
      yield* fieldOf(target, "etag");
      const response = yield* answer(target, { fields: ['If-Match: "netkit-other"'] });
      expectThat(response.statusCode === 412, `status ${response.statusCode}, expected 412`);
    },
  },
  {
    id: "rfc9110.14.2-1",
    title: "a range is answered with that part, or the whole",
    level: "must",
    spec: "RFC 9110 14.2",
    hint: "206 with Content-Range and exactly those octets, or 200",
    *check(target) {
      const whole = (yield* answer(target)).body;
      if (whole.length < 2) throw new Inapplicable("less than two octets");
      const part = yield* answer(target, { fields: ["Range: bytes=0-0"] });
      if (part.statusCode === 200) {
        expectThat(part.body.length === whole.length, "200 with a part");
        return;
      }
      expectThat(part.statusCode === 206, `status ${part.statusCode}`);
      const told = parseContentRange(header(part, "content-range") ?? "");
      expectThat(told?.range.first === 0 && told.range.last === 0, "Content-Range is wrong");
      expectThat(
        part.body.length === 1 && part.body[0] === whole[0],
        "other octets than asked for",
      );
    },
  },
  {
    id: "rfc9110.15.5.17-1",
    title: "a range beyond the end gives 416 with the length",
    level: "should",
    spec: "RFC 9110 15.5.17",
    hint: "416 with Content-Range: bytes */LENGTH",
    *check(target) {
      const fields = ["Range: bytes=999999999-"];
      const response = yield* answer(target, { fields });
      if (response.statusCode === 200) return;
      expectThat(response.statusCode === 416, `status ${response.statusCode}, expected 416 or 200`);
      expectThat(
        /^bytes \*\/\d+$/.test(header(response, "content-range") ?? ""),
        "no Content-Range with the length",
      );
    },
  },
  {
    id: "rfc9110.14.1.1-1",
    title: "a Range that is malformed is passed over",
    level: "should",
    spec: "RFC 9110 14.2",
    hint: "ignore units and ranges that are none",
    *check(target) {
      for (const value of ["bytes=5-2", "lines=1-2", "bytes=a"]) {
        const response = yield* answer(target, { fields: [`Range: ${value}`] });
        expectThat(
          [200, 416].includes(response.statusCode),
          `${value}: status ${response.statusCode}`,
        );
      }
    },
  },
  {
    id: "rfc9110.13.1.5-1",
    title: "If-Range with another entity tag gives the whole",
    level: "must",
    spec: "RFC 9110 13.1.5",
    hint: "a part of what changed must not be joined to the old",
    *check(target) {
      const fields = ["Range: bytes=0-0", 'If-Range: "netkit-other"'];
      const response = yield* answer(target, { fields });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
];

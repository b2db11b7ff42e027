/** Rules of field lines. RFC 9112 5; RFC 9110 5. */
import { answer, expectRefused, expectThat, first, raw, request } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const FIELD_LINES: readonly Rule[] = [
  {
    id: "rfc9112.5.1-1",
    title: "a blank between name and colon is refused with 400",
    level: "must",
    spec: "RFC 9112 5.1",
    hint: "such a field hides from one of two readers: refuse it",
    *check(target) {
      expectRefused(yield* raw(request(target, { fields: ["X-A : b"] })), [400]);
    },
  },
  {
    id: "rfc9112.5-1",
    title: "a field line without a colon is refused with 400",
    level: "should",
    spec: "RFC 9112 5",
    hint: "refuse what is no field line, instead of dropping it",
    *check(target) {
      expectRefused(yield* raw(request(target, { fields: ["no colon here"] })), [400]);
    },
  },
  {
    id: "rfc9110.5.1-1",
    title: "a field name that is no token is refused with 400",
    level: "should",
    spec: "RFC 9110 5.1",
    hint: "check names against token",
    *check(target) {
      expectRefused(yield* raw(request(target, { fields: ["X(a): b"] })), [400]);
    },
  },
  {
    id: "rfc9110.5.5-1",
    title: "NUL in a field value is refused or replaced",
    level: "must",
    spec: "RFC 9110 5.5",
    hint: "refuse with 400, or replace NUL, CR and LF by a space",
    *check(target) {
      const response = first(yield* raw(request(target, { fields: ["X-A: b\0c"] })));
      expectThat([200, 400].includes(response.statusCode), `status ${response.statusCode}`);
    },
  },
  {
    id: "rfc9112.2.2-3",
    title: "a CR without LF in a field is refused or read as a space",
    level: "must",
    spec: "RFC 9112 2.2",
    hint: "refuse with 400, or replace each bare CR by a space; it must not end a line",
    *check(target) {
      const reply = yield* raw(request(target, { fields: ["X-A: b\rHost: evil.example"] }));
      const response = first(reply);
      expectThat([200, 400].includes(response.statusCode), `status ${response.statusCode}`);
    },
  },
  {
    id: "rfc9112.5.2-1",
    title: "a folded field line is refused with 400 or unfolded",
    level: "must",
    spec: "RFC 9112 5.2",
    hint: "refuse with 400, or replace the fold by spaces",
    *check(target) {
      const response = first(yield* raw(request(target, { fields: ["X-A: b\r\n c"] })));
      expectThat([200, 400].includes(response.statusCode), `status ${response.statusCode}`);
    },
  },
  {
    id: "rfc9110.5.1-2",
    title: "field names are compared without regard to case",
    level: "must",
    spec: "RFC 9110 5.1",
    hint: "fold names before they are looked up",
    *check(target) {
      const fields = [`hOsT: ${target.host}`];
      const response = yield* answer(target, { host: false, fields });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9110.5.1-3",
    title: "fields that nobody knows are passed over",
    level: "should",
    spec: "RFC 9110 5.1",
    hint: "ignore fields without a meaning here",
    *check(target) {
      const response = yield* answer(target, { fields: ["X-Netkit-Unknown: 1"] });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc9110.5.5-2",
    title: "blanks around a value are no part of it",
    level: "must",
    spec: "RFC 9110 5.5",
    hint: "strip SP and HTAB around values",
    *check(target) {
      const fields = [`Host:\t ${target.host} \t`];
      const response = yield* answer(target, { host: false, fields });
      expectThat(response.statusCode === 200, `status ${response.statusCode}, expected 200`);
    },
  },
  {
    id: "rfc6585.5-1",
    title: "fields without end are refused, not gathered",
    level: "should",
    spec: "RFC 9110 5.4",
    hint: "limit the head, and answer 431 or 400",
    *check(target) {
      const fields = Array.from({ length: 20_000 }, (_, i) => `X-${i}: ${"a".repeat(40)}`);
      const reply = yield* raw(request(target, { fields }));
      expectRefused(reply, [400, 413, 431, 494], true);
    },
  },
];

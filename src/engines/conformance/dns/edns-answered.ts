/** RFC 6891 6.1.1: a query with OPT is answered with OPT. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.1-1",
  title: "a query with OPT is answered with OPT",
  level: "must",
  spec: "RFC 6891 6.1.1",
  hint: "put an OPT record into the additional section of the response",
  *check(target) {
    const response = yield* answer(query(target, { edns: {} }));
    expectThat(response.edns !== undefined, "no OPT came back");
  },
};

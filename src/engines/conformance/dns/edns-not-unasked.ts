/** RFC 6891 6.1.1: a query without OPT is answered without OPT. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.1-2",
  title: "a query without OPT is answered without OPT",
  level: "must",
  spec: "RFC 6891 6.1.1",
  hint: "send OPT only to those who sent one",
  *check(target) {
    const response = yield* answer(query(target));
    expectThat(response.edns === undefined, "an OPT came back to a query without one");
  },
};

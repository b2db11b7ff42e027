/** RFC 1035 4.1.1: the reserved bit is zero in responses. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-5",
  title: "the reserved bit is zero in responses",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "build the flags anew, do not copy the whole word",
  *check(target) {
    const response = yield* answer(query(target, { z: true }));
    expectThat(response.z !== true, "the reserved bit was copied from the query");
  },
};

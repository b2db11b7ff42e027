/** RFC 1035 4.1.1: RD is copied into the response. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-4",
  title: "RD is copied into the response",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "copy the RD bit, whether recursion is offered or not",
  *check(target) {
    for (const rd of [true, false]) {
      const response = yield* answer(query(target, { rd }));
      expectThat(
        response.rd === rd,
        `RD was ${rd ? 1 : 0} and came back as ${response.rd ? 1 : 0}`,
      );
    }
  },
};

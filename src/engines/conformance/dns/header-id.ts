/** RFC 1035 4.1.1: the identifier of the query comes back. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-1",
  title: "the identifier of the query comes back",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "copy the first two octets of the query into the response",
  *check(target) {
    const response = yield* answer(query(target, { id: 0x4d2c }));
    expectThat(
      response.id === 0x4d2c,
      `the identifier is ${response.id}, the query's was ${0x4d2c}`,
    );
  },
};

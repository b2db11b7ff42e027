/** RFC 3225 3: the DO bit is copied. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc3225.3-1",
  title: "the DO bit is copied",
  level: "must",
  spec: "RFC 3225 3",
  hint: "copy DO into the OPT of the response",
  *check(target) {
    for (const dnssec of [true, false]) {
      const response = yield* answer(query(target, { edns: { do: dnssec } }));
      expectThat(response.edns?.do === dnssec, `DO was ${dnssec ? 1 : 0}`);
    }
  },
};

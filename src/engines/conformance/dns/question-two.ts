/** RFC 9619 4: more than one question is answered with FORMERR. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { alive, expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc9619.4-1",
  title: "more than one question is answered with FORMERR",
  level: "must",
  spec: "RFC 9619 4",
  hint: "check QDCOUNT before anything else",
  *check(target) {
    const one = query(target);
    const response = yield* optional({ ...one, questions: [...one.questions, ...one.questions] });
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

/** RFC 1035 4.1: a query cut in its question is answered with FORMERR or not at all. */
import { encode, RCODE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1-1",
  title: "a query cut in its question is answered with FORMERR or not at all",
  level: "must",
  spec: "RFC 1035 4.1",
  hint: "check that the question lies inside the message",
  *check(target) {
    const whole = encode(query(target));
    for (const cut of [1, 3, 5]) {
      const response = yield* anyAnswer(whole.slice(0, whole.length - cut));
      expectThat(
        response === undefined || response.rcode === RCODE.FORMERR,
        `the rcode is ${response?.rcode} for a query without its last ${cut} octets`,
      );
    }
    yield* alive(target);
  },
};

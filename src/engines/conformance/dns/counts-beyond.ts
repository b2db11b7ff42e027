/** RFC 1035 4.1.1: counts of records that are not there do no harm. */
import { encode, RCODE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-9",
  title: "counts of records that are not there do no harm",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "check the octets that are left, not the counts alone",
  *check(target) {
    const bytes = encode(query(target));
    bytes.fill(0xff, 6, 12);
    const response = yield* anyAnswer(bytes);
    expectThat(
      response === undefined || response.rcode !== RCODE.NOERROR,
      "NOERROR came back for a message that lacks its records",
    );
    yield* alive(target);
  },
};

/** RFC 6891 6.1.3: a version above what is known is answered with BADVERS. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.3-1",
  title: "a version above what is known is answered with BADVERS",
  level: "must",
  spec: "RFC 6891 6.1.3",
  hint: "answer BADVERS (16) with the version that you speak",
  *check(target) {
    const response = yield* answer(query(target, { edns: { version: 1 } }));
    expectThat(response.edns !== undefined, "no OPT came back");
    expectThat(response.rcode === RCODE.BADVERS, `the rcode is ${response.rcode}, BADVERS is 16`);
    expectThat(
      response.edns?.version === 0,
      `the version that came back is ${response.edns?.version}`,
    );
  },
};

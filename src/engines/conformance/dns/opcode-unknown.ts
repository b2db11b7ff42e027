/** RFC 1035 4.1.1: an unknown opcode is answered with NOTIMP. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-6",
  title: "an unknown opcode is answered with NOTIMP",
  level: "should",
  spec: "RFC 1035 4.1.1",
  hint: "answer NOTIMP with the question section as it came or empty",
  *check(target) {
    const response = yield* answer(query(target, { opcode: 11 }));
    expectThat(response.rcode === RCODE.NOTIMP, `the rcode is ${response.rcode}, NOTIMP is 4`);
  },
};

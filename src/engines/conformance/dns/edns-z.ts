/** RFC 6891 6.1.4: reserved flags of OPT are ignored, and zero in responses. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.4-1",
  title: "reserved flags of OPT are ignored, and zero in responses",
  level: "must",
  spec: "RFC 6891 6.1.4",
  hint: "build the flags of OPT anew",
  *check(target) {
    const response = yield* answer(query(target, { edns: { z: 0x2a55 } }));
    expectThat(response.rcode !== RCODE.FORMERR, "reserved flags were refused");
    expectThat((response.edns?.z ?? 0) === 0, "reserved flags came back");
  },
};

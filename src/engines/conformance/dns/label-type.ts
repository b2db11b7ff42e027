/** RFC 6891 5: a label of a reserved type is refused. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, hexBytes } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.5-1",
  title: "a label of a reserved type is refused",
  level: "must",
  spec: "RFC 6891 5",
  hint: "answer FORMERR to labels that begin with 01 or 10",
  *check(target) {
    const reserved = hexBytes("0a0b 0100 0001 0000 0000 0000 41ff 00 0001 0001");
    const response = yield* anyAnswer(reserved);
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR || response.rcode === RCODE.NOTIMP,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

/** RFC 1035 4.1.4: a compression pointer to itself does no harm. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, hexBytes } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.4-1",
  title: "a compression pointer to itself does no harm",
  level: "must",
  spec: "RFC 1035 4.1.4",
  hint: "follow pointers backwards only, and count them",
  *check(target) {
    const loop = hexBytes("0a0b 0100 0001 0000 0000 0000 c00c 0001 0001");
    const response = yield* anyAnswer(loop);
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

/** RFC 6891 6.1.2: an OPT record whose owner is not the root is a FORMERR. */
import { encode, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.2-1",
  title: "an OPT record whose owner is not the root is a FORMERR",
  level: "must",
  spec: "RFC 6891 6.1.2",
  hint: "check the owner of OPT",
  *check(target) {
    const opt = { name: "x.", type: TYPE.OPT, class: 1232, ttl: 0, rdata: { opaque: "" } };
    const response = yield* anyAnswer(encode({ ...query(target), additional: [opt] }));
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

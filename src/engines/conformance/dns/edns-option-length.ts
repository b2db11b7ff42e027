/** RFC 6891 6.1.2: an option that runs over its record is a FORMERR. */
import { encode, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.2-3",
  title: "an option that runs over its record is a FORMERR",
  level: "must",
  spec: "RFC 6891 6.1.2",
  hint: "check the length of each option against RDLENGTH",
  *check(target) {
    const opt = { name: ".", type: TYPE.OPT, class: 1232, ttl: 0, rdata: { opaque: "000a00ff00" } };
    const response = yield* anyAnswer(encode({ ...query(target), additional: [opt] }));
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

/** RFC 6891 6.1.1: two OPT records are a FORMERR. */
import { encode, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.1-3",
  title: "two OPT records are a FORMERR",
  level: "must",
  spec: "RFC 6891 6.1.1",
  hint: "count OPT records while the additional section is read",
  *check(target) {
    const opt = { name: ".", type: TYPE.OPT, class: 1232, ttl: 0, rdata: { opaque: "" } };
    const message = { ...query(target), additional: [opt, opt] };
    const response = yield* anyAnswer(encode(message));
    expectThat(
      response === undefined || response.rcode === RCODE.FORMERR,
      `the rcode is ${response?.rcode}, FORMERR is 1`,
    );
    yield* alive(target);
  },
};

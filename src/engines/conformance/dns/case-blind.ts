/** RFC 1034 3.1: names are compared without regard to case. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1034.3.1-1",
  title: "names are compared without regard to case",
  level: "must",
  spec: "RFC 1034 3.1",
  hint: "fold ASCII letters before the look-up",
  needs: "zone",
  *check(target) {
    const lower = yield* answer(query(target, { type: TYPE.SOA, rd: false }));
    const upper = yield* answer(
      query(target, { name: target.name.toUpperCase(), type: TYPE.SOA, rd: false }),
    );
    expectThat(
      upper.rcode === lower.rcode && upper.answers.length === lower.answers.length,
      `in capitals the rcode is ${upper.rcode} with ${upper.answers.length} records`,
    );
  },
};

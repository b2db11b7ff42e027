/** RFC 1034 4.3.2: a name outside all zones is refused, without an upward referral. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1034.4.3.2-1",
  title: "a name outside all zones is refused, without an upward referral",
  level: "should",
  spec: "RFC 1034 4.3.2",
  hint: "answer REFUSED instead of a referral to the root",
  needs: "zone",
  *check(target) {
    const response = yield* answer(
      query(target, { name: "netkit-conformance.invalid.", type: TYPE.A, rd: false }),
    );
    expectThat(!response.aa, "AA is set for a name outside the zone");
    expectThat(
      !response.authority.some((record) => record.type === TYPE.NS && record.name === "."),
      "a referral to the root came back",
    );
  },
};

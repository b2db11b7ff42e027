/** RFC 2308 2.2: NODATA has the SOA in the authority section and NOERROR. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc2308.2.2-1",
  title: "NODATA has the SOA in the authority section and NOERROR",
  level: "must",
  spec: "RFC 2308 2.2",
  hint: "no type at a name that exists is no NXDOMAIN",
  needs: "zone",
  *check(target) {
    const response = yield* answer(query(target, { type: TYPE.HINFO, rd: false }));
    expectThat(response.rcode === RCODE.NOERROR, `the rcode is ${response.rcode}`);
    expectThat(
      response.answers.length > 0 || response.authority.some((record) => record.type === TYPE.SOA),
      "no SOA is in the authority section",
    );
    expectThat(response.aa, "AA is not set");
  },
};

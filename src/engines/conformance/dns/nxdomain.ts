/** RFC 2308 2.1: NXDOMAIN has the SOA in the authority section. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, negativeName, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc2308.2.1-1",
  title: "NXDOMAIN has the SOA in the authority section",
  level: "must",
  spec: "RFC 2308 2.1",
  hint: "add the SOA: without it nobody may cache the denial",
  needs: "zone",
  *check(target) {
    let response = yield* answer(query(target, { name: negativeName(target), rd: false }));
    // RFC 4592 4.8: below `*` itself a wildcard makes no names.
    if (response.rcode === RCODE.NOERROR)
      response = yield* answer(query(target, { name: negativeName(target, "*."), rd: false }));
    expectThat(response.rcode === RCODE.NXDOMAIN, `the rcode is ${response.rcode}`);
    expectThat(
      response.authority.some((record) => record.type === TYPE.SOA),
      "no SOA is in the authority section",
    );
    expectThat(response.aa, "AA is not set");
  },
};

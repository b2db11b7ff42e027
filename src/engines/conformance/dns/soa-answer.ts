/** RFC 1034 6.2.1: the SOA of a zone is answered with authority. */
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1034.6.2.1-1",
  title: "the SOA of a zone is answered with authority",
  level: "must",
  spec: "RFC 1034 6.2.1",
  hint: "set AA on data of your own zones",
  needs: "zone",
  *check(target) {
    const response = yield* answer(query(target, { type: TYPE.SOA, rd: false }));
    expectThat(response.rcode === RCODE.NOERROR, `the rcode is ${response.rcode}`);
    expectThat(response.aa, "AA is not set");
    expectThat(
      response.answers.filter((record) => record.type === TYPE.SOA).length === 1,
      "there is not exactly one SOA",
    );
  },
};

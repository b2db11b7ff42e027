/** RFC 1034 4.2.1: the apex has NS records. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1034.4.2.1-1",
  title: "the apex has NS records",
  level: "must",
  spec: "RFC 1034 4.2.1",
  hint: "a zone without NS is no zone",
  needs: "zone",
  *check(target) {
    const response = yield* answer(query(target, { type: TYPE.NS, rd: false }));
    expectThat(
      response.answers.some((record) => record.type === TYPE.NS),
      "there is no NS",
    );
  },
};

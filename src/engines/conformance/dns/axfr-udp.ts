/** RFC 5936 4.2: a zone is not transferred over UDP. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc5936.4.2-1",
  title: "a zone is not transferred over UDP",
  level: "must",
  spec: "RFC 5936 4.2",
  hint: "answer FORMERR, NOTIMP or REFUSED to AXFR over UDP",
  *check(target) {
    const response = yield* optional(query(target, { type: TYPE.AXFR, rd: false }));
    expectThat(
      response === undefined || response.answers.length <= 1,
      `${response?.answers.length} records came over UDP`,
    );
  },
};

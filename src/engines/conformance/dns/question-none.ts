/** RFC 1035 4.1.2: a query without a question is answered with an error or not at all. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { alive, expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.2-2",
  title: "a query without a question is answered with an error or not at all",
  level: "should",
  spec: "RFC 1035 4.1.2",
  hint: "answer FORMERR when QDCOUNT is 0 (but for cookies, RFC 7873 5.4)",
  *check(target) {
    const response = yield* optional({ ...query(target), questions: [] });
    expectThat(
      response === undefined || response.rcode !== RCODE.NOERROR,
      "NOERROR came back for no question",
    );
    yield* alive(target);
  },
};

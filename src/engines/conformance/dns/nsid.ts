/** RFC 5001 2.1: a query with NSID does no harm. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc5001.2.1-1",
  title: "a query with NSID does no harm",
  level: "must",
  spec: "RFC 5001 2.1",
  hint: "answer with the identifier of the server, or ignore the option",
  *check(target) {
    const response = yield* answer(query(target, { edns: { options: [{ code: 3, data: "" }] } }));
    expectThat(response.rcode !== RCODE.FORMERR, "an empty NSID option was refused");
  },
};

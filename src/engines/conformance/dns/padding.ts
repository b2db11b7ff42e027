/** RFC 7830 3: padding in a query is ignored. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7830.3-1",
  title: "padding in a query is ignored",
  level: "must",
  spec: "RFC 7830 3",
  hint: "skip option 12, whatever its octets",
  *check(target) {
    const options = [{ code: 12, data: "00".repeat(64) }];
    const response = yield* answer(query(target, { edns: { options } }));
    expectThat(response.rcode !== RCODE.FORMERR, "padding was refused");
  },
};

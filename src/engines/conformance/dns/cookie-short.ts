/** RFC 7873 5.2.2: a malformed cookie is a FORMERR. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7873.5.2.2-1",
  title: "a malformed cookie is a FORMERR",
  level: "must",
  spec: "RFC 7873 5.2.2",
  hint: "a COOKIE option has 8, or 16 to 40 octets (a server without cookies ignores it)",
  *check(target) {
    const options = [{ code: 10, data: "01020304" }];
    const response = yield* answer(query(target, { edns: { options } }));
    const cookies = response.edns?.options.some((option) => option.code === 10) === true;
    expectThat(!cookies || response.rcode === RCODE.FORMERR, "a cookie of 4 octets was taken");
  },
};

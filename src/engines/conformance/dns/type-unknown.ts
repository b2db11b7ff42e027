/** RFC 3597 3: a type that nobody knows is a type like any other. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc3597.3-1",
  title: "a type that nobody knows is a type like any other",
  level: "must",
  spec: "RFC 3597 3",
  hint: "answer NOERROR without data (or NXDOMAIN), not NOTIMP or FORMERR",
  *check(target) {
    const response = yield* answer(query(target, { type: 65_280 }));
    expectThat(
      response.rcode === RCODE.NOERROR ||
        response.rcode === RCODE.NXDOMAIN ||
        response.rcode === RCODE.REFUSED,
      `the rcode is ${response.rcode}`,
    );
  },
};

/** RFC 6891 6.2.3: a size below 512 counts as 512. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.2.3-1",
  title: "a size below 512 counts as 512",
  level: "must",
  spec: "RFC 6891 6.2.3",
  hint: "take the larger of 512 and what the client says",
  *check(target) {
    const response = yield* answer(query(target, { type: TYPE.SOA, edns: { udpSize: 100 } }));
    expectThat(!response.tc, "TC is set on a small answer because the client said 100 octets");
  },
};

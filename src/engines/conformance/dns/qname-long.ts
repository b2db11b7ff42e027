/** RFC 1035 2.3.4: a name of 255 octets is a name. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.2.3.4-1",
  title: "a name of 255 octets is a name",
  level: "must",
  spec: "RFC 1035 2.3.4",
  hint: "count 255 octets with lengths and the root",
  *check(target) {
    const room = 255 - target.wireLength;
    let prefix = "";
    for (let left = room; left > 1; ) {
      const length = Math.min(63, left - 1);
      prefix += `${"l".repeat(length)}.`;
      left -= length + 1;
    }
    const name = target.name === "." ? prefix : prefix + target.name;
    const response = yield* answer(query(target, { name }));
    expectThat(response.rcode !== RCODE.FORMERR, "the longest name was refused");
  },
};

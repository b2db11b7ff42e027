/** RFC 5936 5: a transfer is complete, or refused. */
import { encode, frame, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, query, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc5936.5-1",
  title: "a transfer is complete, or refused",
  level: "should",
  spec: "RFC 5936 5",
  hint: "begin and end with the SOA, or answer REFUSED",
  needs: "zone",
  *check(target) {
    const messages = yield* tcp(
      [frame(encode(query(target, { type: TYPE.AXFR, rd: false })))],
      Number.POSITIVE_INFINITY,
    );
    const [first] = messages;
    expectThat(first !== undefined, "no answer came");
    if (first?.rcode !== RCODE.NOERROR) return;
    const records = messages.flatMap((message) => message.answers);
    expectThat(
      records.length >= 2 && records[0]?.type === TYPE.SOA && records.at(-1)?.type === TYPE.SOA,
      "the transfer does not begin and end with the SOA",
    );
  },
};

/** RFC 2136 3.3: an update from a stranger changes nothing. */
import { CLASS, OPCODE, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc2136.3.3-1",
  title: "an update from a stranger changes nothing",
  level: "must",
  spec: "RFC 2136 3.3",
  hint: "answer REFUSED, NOTAUTH or NOTIMP",
  *check(target) {
    const response = yield* optional({
      ...query(target, { opcode: OPCODE.UPDATE, type: TYPE.SOA, rd: false }),
      authority: [
        {
          name: `netkit-conformance.${target.name === "." ? "" : target.name}`,
          type: TYPE.TXT,
          class: CLASS.IN,
          ttl: 1,
          rdata: { strings: ["x"] },
        },
      ],
    });
    expectThat(
      response === undefined || response.rcode !== RCODE.NOERROR,
      "the update of a stranger was accepted",
    );
  },
};

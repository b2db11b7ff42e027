/** RFC 1035 4.1.1: the opcode of the query comes back. */
import { OPCODE } from "../../../codecs/dns/index.ts";
import { expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-3",
  title: "the opcode of the query comes back",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "copy the opcode bits, also into errors",
  *check(target) {
    for (const opcode of [OPCODE.QUERY, 7]) {
      const response = yield* optional(query(target, { opcode }));
      if (response === undefined) continue;
      expectThat(
        response.opcode === opcode,
        `opcode ${opcode} was sent, ${response.opcode} came back`,
      );
    }
  },
};

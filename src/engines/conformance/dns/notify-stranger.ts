/** RFC 1996 3.10: a NOTIFY from a stranger does no harm. */
import { OPCODE, TYPE } from "../../../codecs/dns/index.ts";
import { alive, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1996.3.10-1",
  title: "a NOTIFY from a stranger does no harm",
  level: "must",
  spec: "RFC 1996 3.10",
  hint: "ignore it, or answer REFUSED or NOTAUTH",
  *check(target) {
    yield* optional(query(target, { opcode: OPCODE.NOTIFY, type: TYPE.SOA, rd: false }));
    yield* alive(target);
  },
};

/** RFC 1035 4.1: octets behind the last record do no harm. */
import { encode } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1-2",
  title: "octets behind the last record do no harm",
  level: "should",
  spec: "RFC 1035 4.1",
  hint: "answer, or answer FORMERR",
  *check(target) {
    const bytes = encode(query(target));
    const longer = new Uint8Array(bytes.length + 7);
    longer.set(bytes);
    yield* anyAnswer(longer);
    yield* alive(target);
  },
};

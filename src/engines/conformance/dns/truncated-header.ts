/** RFC 1035 4.1.1: a message shorter than its header does no harm. */
import { encode } from "../../../codecs/dns/index.ts";
import { alive, anyAnswer, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-8",
  title: "a message shorter than its header does no harm",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "drop what has fewer than 12 octets",
  *check(target) {
    for (const length of [0, 1, 2, 11]) yield* anyAnswer(encode(query(target)).slice(0, length));
    yield* alive(target);
  },
};

/** RFC 7766 6.2.1: one connection takes several queries. */
import { encode, frame } from "../../../codecs/dns/index.ts";
import { expectThat, query, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7766.6.2.1-1",
  title: "one connection takes several queries",
  level: "should",
  spec: "RFC 7766 6.2.1",
  hint: "keep the connection open after an answer",
  *check(target) {
    const messages = [1, 2, 3].map((id) => frame(encode(query(target, { id }))));
    const responses = yield* tcp(messages, 3);
    expectThat(responses.length === 3, `${responses.length} of 3 queries were answered`);
  },
};

/** RFC 7766 8: a message may come in several segments. */
import { encode, frame } from "../../../codecs/dns/index.ts";
import { expectThat, query, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7766.8-1",
  title: "a message may come in several segments",
  level: "must",
  spec: "RFC 7766 8",
  hint: "collect octets until the length is reached, whatever a read returns",
  *check(target) {
    const bytes = frame(encode(query(target)));
    const parts = [bytes.slice(0, 1), bytes.slice(1, 2), bytes.slice(2, 9), bytes.slice(9)];
    const [response] = yield* tcp(parts, 1);
    expectThat(response !== undefined, "a query in four pieces was not answered");
  },
};

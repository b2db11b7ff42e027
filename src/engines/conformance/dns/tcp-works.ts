/** RFC 7766 5: queries are answered over TCP. */
import { encode, frame } from "../../../codecs/dns/index.ts";
import { expectThat, query, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7766.5-1",
  title: "queries are answered over TCP",
  level: "must",
  spec: "RFC 7766 5",
  hint: "listen on TCP too; each message has its length ahead in two octets",
  *check(target) {
    const [response] = yield* tcp([frame(encode(query(target)))], 1);
    expectThat(response !== undefined, "no answer came over TCP");
  },
};

/** RFC 1035 4.2.1: without EDNS a datagram has at most 512 octets. */
import { encode, TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, query, rawAnswer } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.2.1-1",
  title: "without EDNS a datagram has at most 512 octets",
  level: "must",
  spec: "RFC 1035 4.2.1",
  hint: "drop whole RRsets and set TC above 512 octets",
  *check(target) {
    const message = query(target, { type: TYPE.ANY });
    const bytes = yield* rawAnswer(encode(message));
    expectThat(bytes.length <= 512, `${bytes.length} octets came`);
  },
};

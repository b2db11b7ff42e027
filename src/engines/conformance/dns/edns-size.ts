/** RFC 6891 6.2.5: a datagram is no larger than the client says. */
import { encode, TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, query, rawAnswer } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.2.5-1",
  title: "a datagram is no larger than the client says",
  level: "must",
  spec: "RFC 6891 6.2.5",
  hint: "cut at the smaller of the two sides, and set TC",
  *check(target) {
    for (const udpSize of [512, 600]) {
      const message = query(target, { type: TYPE.ANY, edns: { udpSize, do: true } });
      const bytes = yield* rawAnswer(encode(message));
      expectThat(bytes.length <= udpSize, `${bytes.length} octets came, ${udpSize} were allowed`);
    }
  },
};

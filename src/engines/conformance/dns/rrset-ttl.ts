/** RFC 2181 5.2: all records of an RRset have one TTL. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc2181.5.2-1",
  title: "all records of an RRset have one TTL",
  level: "must",
  spec: "RFC 2181 5.2",
  hint: "keep one TTL an RRset",
  needs: "zone",
  *check(target) {
    for (const type of [TYPE.NS, TYPE.SOA, TYPE.TXT]) {
      const response = yield* answer(query(target, { type, rd: false, edns: {} }));
      const ttls = new Set(response.answers.filter((r) => r.type === type).map((r) => r.ttl));
      expectThat(ttls.size <= 1, `type ${type} has the TTLs ${[...ttls].join(" ")}`);
    }
  },
};

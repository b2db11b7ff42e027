/** RFC 2308 3: the SOA of a denial has the lesser of its TTL and its MINIMUM. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, negativeName, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc2308.3-1",
  title: "the SOA of a denial has the lesser of its TTL and its MINIMUM",
  level: "must",
  spec: "RFC 2308 3",
  hint: "lower the TTL of the SOA in negative answers",
  needs: "zone",
  *check(target) {
    const response = yield* answer(query(target, { name: negativeName(target), rd: false }));
    const soa = response.authority.find((record) => record.type === TYPE.SOA);
    if (soa === undefined) return; // told by another rule
    const { minimum } = soa.rdata as { readonly minimum: number };
    expectThat(soa.ttl <= minimum, `the TTL is ${soa.ttl}, the MINIMUM ${minimum}`);
  },
};

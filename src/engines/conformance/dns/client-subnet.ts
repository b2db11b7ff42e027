/** RFC 7871 7.2.1: the client subnet of the query comes back as it was, or not at all. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7871.7.2.1-1",
  title: "the client subnet of the query comes back as it was, or not at all",
  level: "must",
  spec: "RFC 7871 7.2.1",
  hint: "copy family, source prefix and address; set the scope",
  *check(target) {
    const options = [{ code: 8, data: "00011800c00002" }];
    const response = yield* answer(query(target, { edns: { options } }));
    const subnet = response.edns?.options.find((option) => option.code === 8)?.data;
    expectThat(
      subnet === undefined || (subnet.startsWith("000118") && subnet.endsWith("c00002")),
      `the subnet came back as ${subnet}`,
    );
  },
};

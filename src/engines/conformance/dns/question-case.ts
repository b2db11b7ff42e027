/** RFC 4343 4.1: the case of the name in the question is kept. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc4343.4.1-1",
  title: "the case of the name in the question is kept",
  level: "should",
  spec: "RFC 4343 4.1",
  hint: "copy the octets of the name: resolvers compare them (0x20)",
  *check(target) {
    const name = target.name.toUpperCase().replace("E", "e");
    const response = yield* answer(query(target, { name }));
    expectThat(
      response.questions[0]?.name === name,
      `${name} was asked, ${response.questions[0]?.name} came back`,
    );
  },
};

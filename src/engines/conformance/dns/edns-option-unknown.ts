/** RFC 6891 6.1.2: an option that nobody knows is ignored. */
import { RCODE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc6891.6.1.2-2",
  title: "an option that nobody knows is ignored",
  level: "must",
  spec: "RFC 6891 6.1.2",
  hint: "skip unknown options, do not copy them",
  *check(target) {
    const options = [{ code: 65_001, data: "c0ffee" }];
    const response = yield* answer(query(target, { edns: { options } }));
    expectThat(response.rcode !== RCODE.FORMERR, "the unknown option was refused");
    expectThat(
      response.edns?.options.every((option) => option.code !== 65_001) === true,
      "the unknown option came back",
    );
  },
};

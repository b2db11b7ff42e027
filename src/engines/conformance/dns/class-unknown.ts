/** RFC 1035 3.2.4: a class that is not served is refused, and does no harm. */
import { alive, expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.3.2.4-1",
  title: "a class that is not served is refused, and does no harm",
  level: "should",
  spec: "RFC 1035 3.2.4",
  hint: "answer REFUSED (or NOTAUTH) for a class without zones",
  *check(target) {
    const response = yield* optional(query(target, { class: 250 }));
    expectThat(
      response === undefined || response.answers.length === 0,
      "records came back for a class that does not exist",
    );
    yield* alive(target);
  },
};

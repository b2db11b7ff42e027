/** RFC 1035 4.1.2: the question section is that of the query. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.2-1",
  title: "the question section is that of the query",
  level: "must",
  spec: "RFC 1035 4.1.2",
  hint: "copy the question octet by octet",
  *check(target) {
    const sent = query(target, { type: TYPE.TXT });
    const response = yield* answer(sent);
    const [question] = response.questions;
    expectThat(response.questions.length === 1, `${response.questions.length} questions came back`);
    expectThat(
      question?.name === sent.questions[0]?.name && question?.type === TYPE.TXT,
      `the question came back as ${question?.name} type ${question?.type}`,
    );
  },
};

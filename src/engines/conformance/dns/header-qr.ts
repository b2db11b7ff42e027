/** RFC 1035 4.1.1: a response has QR set. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-2",
  title: "a response has QR set",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "set the first bit of the third octet",
  *check(target) {
    const response = yield* answer(query(target));
    expectThat(response.qr === 1, "QR is 0 in what answers a query");
  },
};

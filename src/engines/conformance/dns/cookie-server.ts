/** RFC 7873 5.2.3: a server cookie comes back behind the client cookie. */
import { answer, expectThat, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7873.5.2.3-1",
  title: "a server cookie comes back behind the client cookie",
  level: "may",
  spec: "RFC 7873 5.2.3",
  hint: "answer with the client cookie and 8 to 32 octets of your own",
  *check(target) {
    const options = [{ code: 10, data: "0102030405060708" }];
    const response = yield* answer(query(target, { edns: { options } }));
    const cookie = response.edns?.options.find((option) => option.code === 10)?.data ?? "";
    expectThat(cookie !== "", "the server knows no cookies");
    expectThat(cookie.startsWith("0102030405060708"), `the client cookie came back as ${cookie}`);
    expectThat(
      cookie.length >= 32 && cookie.length <= 80,
      `the cookie has ${cookie.length / 2} octets`,
    );
  },
};

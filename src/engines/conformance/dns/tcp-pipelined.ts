/** RFC 7766 6.2.1.1: queries sent at once on one connection are all answered. */
import { encode, frame } from "../../../codecs/dns/index.ts";
import { expectThat, query, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7766.6.2.1.1-1",
  title: "queries sent at once on one connection are all answered",
  level: "must",
  spec: "RFC 7766 6.2.1.1",
  hint: "read on while answers are made; answers may come in any order",
  *check(target) {
    const ids = [11, 12, 13, 14];
    const frames = ids.map((id) => frame(encode(query(target, { id }))));
    const all = new Uint8Array(frames.reduce((sum, f) => sum + f.length, 0));
    let at = 0;
    for (const one of frames) {
      all.set(one, at);
      at += one.length;
    }
    const responses = yield* tcp([all], ids.length);
    const got = responses.map((r) => r.id).sort((a, b) => a - b);
    expectThat(got.join() === ids.join(), `the identifiers that came back are ${got.join(" ")}`);
  },
};

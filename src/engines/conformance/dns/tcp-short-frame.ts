/** RFC 7766 8: a frame too short for a header does no harm. */
import { alive, tcp } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc7766.8-2",
  title: "a frame too short for a header does no harm",
  level: "must",
  spec: "RFC 7766 8",
  hint: "close the connection on a length below 12",
  *check(target) {
    yield* tcp([Uint8Array.of(0, 2, 1, 1)], 0);
    yield* alive(target);
  },
};

/** RFC 1035 4.1.1: a response that nobody asked for is not answered. */
import { encode } from "../../../codecs/dns/index.ts";
import { alive, query, silent } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.1-7",
  title: "a response that nobody asked for is not answered",
  level: "must",
  spec: "RFC 1035 4.1.1",
  hint: "drop what has QR set: else two servers answer each other for ever",
  *check(target) {
    yield* silent(encode({ ...query(target), qr: 1 }), "a response was answered");
    yield* alive(target);
  },
};

/** RFC 1035 4.1.4: responses hold no malformed name, count or rdata. */
import { TYPE } from "../../../codecs/dns/index.ts";
import { answer, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc1035.4.1.4-2",
  title: "responses hold no malformed name, count or rdata",
  level: "must",
  spec: "RFC 1035 4.1.4",
  hint: "check compression pointers and RDLENGTH of what is sent",
  *check(target) {
    for (const type of [TYPE.SOA, TYPE.NS, TYPE.A, TYPE.TXT, TYPE.MX])
      yield* answer(query(target, { type, edns: {} }));
  },
};

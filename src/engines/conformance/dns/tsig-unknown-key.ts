/** RFC 8945 5.2.1: a signature by an unknown key is answered with NOTAUTH and BADKEY. */
import { CLASS, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { expectThat, optional, query } from "./probe.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "rfc8945.5.2.1-1",
  title: "a signature by an unknown key is answered with NOTAUTH and BADKEY",
  level: "must",
  spec: "RFC 8945 5.2.1",
  hint: "answer with an unsigned TSIG whose error is 17",
  *check(target) {
    const response = yield* optional({
      ...query(target, { rd: false }),
      additional: [
        {
          name: "nobody-knows-this-key.",
          type: TYPE.TSIG,
          class: CLASS.ANY,
          ttl: 0,
          rdata: {
            algorithm: "hmac-sha256.",
            timeSigned: target.unixSeconds,
            fudge: 300,
            mac: `${"A".repeat(43)}=`,
            originalId: 0x2b1f,
            error: 0,
            other: "",
          },
        },
      ],
    });
    expectThat(
      response === undefined ||
        response.rcode === RCODE.NOTAUTH ||
        response.rcode === RCODE.REFUSED ||
        response.rcode === RCODE.NOTIMP,
      `the rcode is ${response?.rcode}, NOTAUTH is 9`,
    );
  },
};

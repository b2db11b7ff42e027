/** Reasons of the validator as Extended DNS Errors. RFC 8914 4. */
import { typeName } from "../../../codecs/dns/index.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import type { VerifyFailure } from "../dnssec/verify.ts";
import type { Explanation } from "./cache.ts";
import { EDE } from "./store.ts";

const CODES: Readonly<Record<VerifyFailure, number>> = {
  "no-signature": EDE.RRSIGS_MISSING,
  "no-key": EDE.DNSKEY_MISSING,
  expired: EDE.EXPIRED,
  "not-yet-valid": EDE.NOT_YET_VALID,
  malformed: EDE.BOGUS,
  "bad-signature": EDE.BOGUS,
  budget: EDE.OTHER,
};

const TEXTS: Readonly<Record<VerifyFailure, string>> = {
  "no-signature": "has no signature by its zone",
  "no-key": "is signed with a key that the zone does not have",
  expired: "has an expired signature",
  "not-yet-valid": "has a signature that is not valid yet",
  malformed: "has a signature that cannot be right",
  "bad-signature": "does not match its signature",
  budget: "costs too much to verify",
};

export function explain(reason: VerifyFailure, set: Rrset): Explanation {
  return { code: CODES[reason], text: `${set.name} ${typeName(set.type)} ${TEXTS[reason]}` };
}

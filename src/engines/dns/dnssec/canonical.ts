/** Canonical forms: what a signature is computed over. RFC 4034 6.2, 6.3; RFC 6840 5.1. */
import { canonicalRdata } from "../../../codecs/dns/canonical.ts";
import { nameLabels, rdataBytes, TYPE } from "../../../codecs/dns/index.ts";
import { Writer } from "../../../codecs/writer.ts";
import { compareOctets, keyOf } from "./names.ts";
import type { Rrset, Rrsig } from "./rrset.ts";

export function writeCanonicalName(writer: Writer, key: string): void {
  for (const label of nameLabels(key)) {
    writer.u8(label.length);
    writer.bytes(label);
  }
  writer.u8(0);
}

export function canonicalName(key: string): Uint8Array {
  const writer = new Writer(64);
  writeCanonicalName(writer, key);
  return writer.finish();
}

/** Canonical rdatas in their order, without duplicates. RFC 4034 6.3. */
export function canonicalRdatas(set: Rrset): Uint8Array[] {
  const sorted = set.rdatas.map((rdata) => canonicalRdata(set.type, rdata)).sort(compareOctets);
  return sorted.filter(
    (one, i) => i === 0 || compareOctets(one, sorted[i - 1] as Uint8Array) !== 0,
  );
}

/** RFC 4034 3.1.8.1: the signature's rdata without the signature, then the records. */
export function signedOctets(
  set: Rrset,
  owner: string,
  signature: Rrsig,
  rdatas: readonly Uint8Array[],
): Uint8Array {
  const writer = new Writer(512);
  writer.bytes(
    rdataBytes(TYPE.RRSIG, { ...signature, signer: keyOf(signature.signer), signature: "" }),
  );
  const name = canonicalName(owner);
  for (const rdata of rdatas) {
    writer.bytes(name);
    writer.u16(set.type);
    writer.u16(set.class);
    writer.u32(signature.originalTtl);
    writer.u16(rdata.length);
    writer.bytes(rdata);
  }
  return writer.finish();
}

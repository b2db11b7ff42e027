/** The client's side of TSIG: a request that is signed, and answers that must be. RFC 8945 5.3, 5.4. */
import { concat } from "../../../codecs/writer.ts";
import type { TsigKey } from "../tsig.ts";
import { checkTsig, signTsig, splitTsig, TSIG_ERROR } from "../tsig.ts";

/** RFC 8945 5.3.1: messages in a row that may come without a signature. */
const MAX_UNSIGNED = 99;
const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  [TSIG_ERROR.BADSIG, "BADSIG"],
  [TSIG_ERROR.BADKEY, "BADKEY"],
  [TSIG_ERROR.BADTIME, "BADTIME"],
]);

export type Checked =
  | { readonly ok: true; readonly message: Uint8Array; readonly signed: boolean }
  | { readonly ok: false; readonly why: string };

export class TsigSession {
  private readonly key: TsigKey;
  private prior: Uint8Array = new Uint8Array(0);
  private first = true;
  private unsigned: Uint8Array[] = [];

  constructor(key: TsigKey) {
    this.key = key;
  }

  sign(request: Uint8Array, seconds: number): Uint8Array {
    const { bytes, mac } = signTsig(request, this.key, seconds);
    this.prior = mac;
    this.first = true;
    this.unsigned = [];
    return bytes;
  }

  /** One message of the answer, in order. */
  check(bytes: Uint8Array, seconds: number): Checked {
    const signed = splitTsig(bytes);
    if (signed === undefined) {
      if (this.first) return { ok: false, why: "the answer has no signature (TSIG)" };
      this.unsigned.push(bytes.slice());
      if (this.unsigned.length > MAX_UNSIGNED)
        return { ok: false, why: "too many messages without a signature (TSIG)" };
      return { ok: true, message: bytes, signed: false };
    }
    if (signed.error !== TSIG_ERROR.NONE)
      return {
        ok: false,
        why: `the server refuses the key or signature: ${ERROR_NAMES.get(signed.error) ?? signed.error}`,
      };
    const whole = { ...signed, message: concat([...this.unsigned, signed.message]) };
    const options = { prior: this.prior, timersOnly: !this.first };
    const error = checkTsig(whole, this.key, seconds, options);
    if (error !== TSIG_ERROR.NONE)
      return { ok: false, why: `the answer's signature is wrong: ${ERROR_NAMES.get(error)}` };
    this.prior = signed.mac;
    this.first = false;
    this.unsigned = [];
    return { ok: true, message: signed.message, signed: true };
  }

  /** RFC 8945 5.3.1: the last message must be signed, else what came before it is not known to be whole. */
  get complete(): boolean {
    return !this.first && this.unsigned.length === 0;
  }
}

/**
 * Answers on encrypted transports are padded where the question was (RFC 7830 4), to blocks that hide
 * which of many answers it is (RFC 8467 4.1).
 */
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse } from "../../codecs/dns/parse.ts";

const PADDING = 12;
const BLOCK_OCTETS = 468;
const OPTION_HEAD_OCTETS = 4;
const MAX_OCTETS = 65_535;

/** Where the options of the OPT record are; -1: there is none. */
class OptPlace implements DnsSink {
  rdataAt = -1;
  rdataEnd = -1;
  header(): void {}
  question(): void {}
  record(): void {}
  issue(): void {}
  fault(): void {
    this.rdataAt = -1;
  }
  opt(
    _bytes: Uint8Array,
    _udpSize: number,
    _flags: number,
    rdataAt: number,
    rdataEnd: number,
  ): void {
    this.rdataAt = rdataAt;
    this.rdataEnd = rdataEnd;
  }
}

function placeOf(bytes: Uint8Array): OptPlace {
  const place = new OptPlace();
  parse(bytes, 0, bytes.length, place);
  return place;
}

const u16 = (bytes: Uint8Array, at: number) =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

/** Whether a question has the Padding option. */
export function wantsPadding(request: Uint8Array): boolean {
  const { rdataAt, rdataEnd } = placeOf(request);
  if (rdataAt < 0) return false;
  for (let at = rdataAt; at + OPTION_HEAD_OCTETS <= rdataEnd; )
    if (u16(request, at) === PADDING) return true;
    else at += OPTION_HEAD_OCTETS + u16(request, at + 2);
  return false;
}

/** Without an OPT record, or with a signature behind it (TSIG), an answer stays as it is. */
export function padAnswer(answer: Uint8Array): Uint8Array {
  const { rdataAt, rdataEnd } = placeOf(answer);
  if (rdataAt < 0 || rdataEnd !== answer.length) return answer;
  const least = answer.length + OPTION_HEAD_OCTETS;
  const whole = Math.min(MAX_OCTETS, Math.ceil(least / BLOCK_OCTETS) * BLOCK_OCTETS);
  if (whole < least) return answer;
  const padded = new Uint8Array(whole);
  padded.set(answer);
  const view = new DataView(padded.buffer);
  view.setUint16(answer.length, PADDING);
  view.setUint16(answer.length + 2, whole - least);
  view.setUint16(rdataAt - 2, whole - rdataAt);
  return padded;
}

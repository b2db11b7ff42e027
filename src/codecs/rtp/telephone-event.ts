/** The telephone-event payload: DTMF and other tones as named events. RFC 4733 2.3. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate, EncodeError } from "../errors.ts";
import { Writer } from "../writer.ts";

export interface TelephoneEvent {
  /** 0..9 digits, 10 `*`, 11 `#`, 12..15 A..D, 16 flash. RFC 4733 3.2. */
  readonly event: number;
  /** The E bit: the event is over. */
  readonly end: boolean;
  /** Power below 0 dBm0, 0..63. */
  readonly volume: number;
  /** So far, in timestamp units. */
  readonly duration: number;
}

const SPEC = "RFC 4733 2.3";
const KEYS = "0123456789*#ABCD";

/** The key of a DTMF event, or undefined for other events. */
export function dtmfKey(event: number): string | undefined {
  return KEYS[event];
}

/** The events of one payload in order: one, or several in a row (RFC 4733 2.5.1.5). @throws DecodeError */
export function decodeTelephoneEvents(
  payload: Uint8Array,
  options: DecodeOptions = {},
): TelephoneEvent[] {
  if (payload.length === 0 || payload.length % 4 !== 0) {
    const offset = payload.length - (payload.length % 4);
    throw new DecodeError("rtp.telephone-event.length", offset, SPEC, "not 4 octets an event");
  }
  const events: TelephoneEvent[] = [];
  for (let at = 0; at < payload.length; at += 4) {
    const flags = payload[at + 1] as number;
    if ((flags & 0x40) !== 0) {
      deviate(options, "rtp.telephone-event.reserved", at + 1, SPEC, "the R bit is set");
    }
    events.push({
      event: payload[at] as number,
      end: flags >= 0x80,
      volume: flags & 0x3f,
      duration: ((payload[at + 2] as number) << 8) | (payload[at + 3] as number),
    });
  }
  return events;
}

/** @throws EncodeError */
export function encodeTelephoneEvents(events: readonly TelephoneEvent[]): Uint8Array {
  const out = new Writer(events.length * 4);
  for (const { event, end, volume, duration } of events) {
    if (event > 255 || volume > 63 || duration > 0xffff || Math.min(event, volume, duration) < 0) {
      throw new EncodeError("rtp.telephone-event.range", SPEC, "a field is out of range");
    }
    out.u8(event);
    out.u8((end ? 0x80 : 0) | volume);
    out.u16(duration);
  }
  return out.finish();
}

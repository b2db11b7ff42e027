/** STUN messages and TURN ChannelData as data. RFC 8489 5 and 14, RFC 8656 12. */
import { METHODS } from "./constants.ts";

/** The value of an attribute; `bytes` is kept for what is unknown or not typed. */
export type AttributeValue =
  | { readonly form: "address" | "xor-address"; readonly address: string; readonly port: number }
  | { readonly form: "text"; readonly text: string }
  | { readonly form: "bytes"; readonly bytes: Uint8Array }
  | { readonly form: "u32"; readonly number: number }
  /** 16 hex digits. */
  | { readonly form: "u64"; readonly hex: string }
  | { readonly form: "error"; readonly code: number; readonly reason: string }
  | { readonly form: "flag" }
  | { readonly form: "types"; readonly types: readonly number[] }
  | { readonly form: "channel"; readonly channel: number }
  /** IP protocol number: 17 UDP, 6 TCP. */
  | { readonly form: "transport"; readonly protocol: number }
  /** 1 IPv4, 2 IPv6. */
  | { readonly form: "family"; readonly family: number }
  | { readonly form: "even-port"; readonly reserveNext: boolean };

export type StunAttribute = AttributeValue & {
  readonly type: number;
  /**
   * Bytes that fill the last word up, when they are not the zeros that an encoder writes (RFC 8489
   * 14: any value).
   */
  readonly padding?: Uint8Array;
};

export type StunClass = "request" | "indication" | "success" | "error";

export interface StunMessage {
  readonly kind: "message";
  /** The 14 bits of the first word: method and class together. */
  readonly type: number;
  /** 24 hex digits; 32 for RFC 3489, whose identifier stands where the cookie is now. */
  readonly transactionId: string;
  readonly attributes: readonly StunAttribute[];
}

/** RFC 8656 12.4. */
export interface ChannelData {
  readonly kind: "channel_data";
  readonly channel: number;
  readonly data: Uint8Array;
  /** Fill up to a word, needed on streams, seen in datagrams too. Absent when there is none. */
  readonly padding?: Uint8Array;
}

export type StunItem = StunMessage | ChannelData;

const CLASSES: readonly StunClass[] = ["request", "indication", "success", "error"];

/** RFC 8489 5, figure 3: the class stands in bits 4 and 8. */
export function classOf(type: number): StunClass {
  return CLASSES[((type >> 4) & 1) | ((type >> 7) & 2)] as StunClass;
}

export function methodOf(type: number): number {
  return (type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80);
}

/** The type of a method (12 bits) and a class. */
export function typeOf(method: number, stunClass: StunClass): number {
  const c = CLASSES.indexOf(stunClass);
  return (
    (method & 0xf) |
    ((method & 0x70) << 1) |
    ((method & 0xf80) << 2) |
    ((c & 1) << 4) |
    ((c & 2) << 7)
  );
}

/** Name of a method, or its number as `0x00f`. */
export function methodName(method: number): string {
  return METHODS[method] ?? `0x${method.toString(16).padStart(3, "0")}`;
}

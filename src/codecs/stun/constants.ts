/** Numbers of STUN and TURN. IANA "STUN Parameters"; RFC 3489, 8445, 8489, 8656. */

/** RFC 8489 5. */
export const MAGIC_COOKIE = 0x2112a442;
export const STUN_HEADER_BYTES = 20;
/** RFC 8656 12: channel numbers 0x4000 to 0x4fff. */
export const MIN_CHANNEL = 0x4000;
export const MAX_CHANNEL = 0x4fff;
/** RFC 5766 11.4 gave them up to here, and peers of it are alive. */
export const LAST_CHANNEL = 0x7fff;
/** A message has 65,535 bytes at most, an attribute takes four or more. */
export const MAX_ATTRIBUTES = 16_384;

/** Methods by number. RFC 8489 18.2, RFC 8656 17, RFC 6062; 2 is RFC 3489's. */
export const METHODS: Readonly<Record<number, string>> = {
  1: "binding",
  2: "shared_secret",
  3: "allocate",
  4: "refresh",
  6: "send",
  7: "data",
  8: "create_permission",
  9: "channel_bind",
  10: "connect",
  11: "connection_bind",
  12: "connection_attempt",
  128: "goog_ping",
};

/** How the value of an attribute is laid out. */
export type AttributeForm =
  | "address"
  | "xor-address"
  | "text"
  | "bytes"
  | "u32"
  | "u64"
  | "error"
  | "flag"
  | "types"
  | "channel"
  | "transport"
  | "family"
  | "even-port";

/** Name and form of the attributes known. RFC 8489 18.3, RFC 8656 18, RFC 8445 20.2, RFC 5780 9.1, RFC 3489 11.2. */
export const ATTRIBUTES: ReadonlyMap<number, readonly [name: string, form: AttributeForm]> =
  new Map([
    [0x0001, ["MAPPED-ADDRESS", "address"]],
    [0x0002, ["RESPONSE-ADDRESS", "address"]],
    [0x0003, ["CHANGE-REQUEST", "u32"]],
    [0x0004, ["SOURCE-ADDRESS", "address"]],
    [0x0005, ["CHANGED-ADDRESS", "address"]],
    [0x0006, ["USERNAME", "text"]],
    [0x0007, ["PASSWORD", "text"]],
    [0x0008, ["MESSAGE-INTEGRITY", "bytes"]],
    [0x0009, ["ERROR-CODE", "error"]],
    [0x000a, ["UNKNOWN-ATTRIBUTES", "types"]],
    [0x000b, ["REFLECTED-FROM", "address"]],
    [0x000c, ["CHANNEL-NUMBER", "channel"]],
    [0x000d, ["LIFETIME", "u32"]],
    [0x0012, ["XOR-PEER-ADDRESS", "xor-address"]],
    [0x0013, ["DATA", "bytes"]],
    [0x0014, ["REALM", "text"]],
    [0x0015, ["NONCE", "text"]],
    [0x0016, ["XOR-RELAYED-ADDRESS", "xor-address"]],
    [0x0017, ["REQUESTED-ADDRESS-FAMILY", "family"]],
    [0x0018, ["EVEN-PORT", "even-port"]],
    [0x0019, ["REQUESTED-TRANSPORT", "transport"]],
    [0x001a, ["DONT-FRAGMENT", "flag"]],
    [0x001b, ["ACCESS-TOKEN", "bytes"]],
    [0x001c, ["MESSAGE-INTEGRITY-SHA256", "bytes"]],
    [0x001d, ["PASSWORD-ALGORITHM", "bytes"]],
    [0x001e, ["USERHASH", "bytes"]],
    [0x0020, ["XOR-MAPPED-ADDRESS", "xor-address"]],
    [0x0022, ["RESERVATION-TOKEN", "bytes"]],
    [0x0024, ["PRIORITY", "u32"]],
    [0x0025, ["USE-CANDIDATE", "flag"]],
    [0x0026, ["PADDING", "bytes"]],
    [0x002a, ["CONNECTION-ID", "u32"]],
    [0x8000, ["ADDITIONAL-ADDRESS-FAMILY", "family"]],
    [0x8001, ["ADDRESS-ERROR-CODE", "bytes"]],
    [0x8002, ["PASSWORD-ALGORITHMS", "bytes"]],
    [0x8003, ["ALTERNATE-DOMAIN", "text"]],
    [0x8004, ["ICMP", "bytes"]],
    [0x8022, ["SOFTWARE", "text"]],
    [0x8023, ["ALTERNATE-SERVER", "address"]],
    [0x8028, ["FINGERPRINT", "u32"]],
    [0x8029, ["ICE-CONTROLLED", "u64"]],
    [0x802a, ["ICE-CONTROLLING", "u64"]],
    [0x802b, ["RESPONSE-ORIGIN", "address"]],
    [0x802c, ["OTHER-ADDRESS", "address"]],
  ] as const);

export const FINGERPRINT = 0x8028;

/** Domain names on the wire and in presentation form. RFC 1035 3.1, 4.1.4, 5.1; RFC 4343. */
import { EncodeError } from "../errors.ts";
import type { JsonWriter } from "../json-writer.ts";
import { HEADER_BYTES } from "./constants.ts";

/** RFC 1035 2.3.4. */
export const MAX_LABEL_BYTES = 63;
export const MAX_NAME_BYTES = 255;
/** A name of 255 octets has at most 127 labels, and a pointer may stand behind each. */
const MAX_POINTERS = 128;

/** What `skipName` found wrong. */
export const NAME_FAULT = {
  NONE: 0,
  TRUNCATED: 1,
  FORWARD_POINTER: 2,
  LABEL_TYPE: 3,
  TOO_LONG: 4,
  HEADER_POINTER: 5,
} as const;

export const NAME_FAULTS: readonly {
  readonly code: string;
  readonly spec: string;
  readonly message: string;
}[] = [
  { code: "", spec: "", message: "" },
  { code: "dns.name.truncated", spec: "RFC 1035 3.1", message: "a name runs over the end" },
  {
    code: "dns.name.forward-pointer",
    spec: "RFC 1035 4.1.4",
    message: "a compression pointer does not go backwards",
  },
  { code: "dns.name.label-type", spec: "RFC 1035 4.1.4", message: "a label has a reserved type" },
  {
    code: "dns.name.too-long",
    spec: "RFC 1035 2.3.4",
    message: "a name is longer than 255 octets",
  },
  {
    code: "dns.name.header-pointer",
    spec: "RFC 1035 4.1.4",
    message: "a compression pointer leads into the header",
  },
];

/** Fault of the last `skipName`, and the index at which it lies. */
export const nameFault = { kind: 0, at: 0 };

function fail(kind: number, at: number): number {
  nameFault.kind = kind;
  nameFault.at = at;
  return -1;
}

/**
 * Checks the name at `at` and returns the index behind it, or -1 with `nameFault` set. Pointers
 * must go backwards, each before the one that led to it, so that no chain can loop.
 */
export function skipName(bytes: Uint8Array, at: number, start: number, end: number): number {
  let i = at;
  let length = 1;
  for (;;) {
    if (i >= end) return fail(NAME_FAULT.TRUNCATED, end);
    const b = bytes[i] as number;
    if (b === 0) return i + 1;
    if (b < 64) {
      length += b + 1;
      if (length > MAX_NAME_BYTES) return fail(NAME_FAULT.TOO_LONG, i);
      i += b + 1;
    } else if (b >= 192) {
      if (i + 1 >= end) return fail(NAME_FAULT.TRUNCATED, i);
      return followPointers(bytes, i, start, end, length) ? i + 2 : -1;
    } else {
      return fail(NAME_FAULT.LABEL_TYPE, i);
    }
  }
}

function followPointers(
  bytes: Uint8Array,
  pointerAt: number,
  start: number,
  end: number,
  soFar: number,
): boolean {
  let i = pointerAt;
  let limit = pointerAt;
  let length = soFar;
  for (let jumps = 0; jumps < MAX_POINTERS; ) {
    const b = bytes[i] as number;
    if (b === 0) return true;
    if (b < 64) {
      length += b + 1;
      if (length > MAX_NAME_BYTES) return fail(NAME_FAULT.TOO_LONG, i) > 0;
      i += b + 1;
      if (i >= end) return fail(NAME_FAULT.TRUNCATED, end) > 0;
    } else if (b >= 192) {
      if (i + 1 >= end) return fail(NAME_FAULT.TRUNCATED, i) > 0;
      const offset = ((b & 0x3f) << 8) | (bytes[i + 1] as number);
      if (offset < HEADER_BYTES) return fail(NAME_FAULT.HEADER_POINTER, i) > 0;
      const target = start + offset;
      if (target >= limit) return fail(NAME_FAULT.FORWARD_POINTER, i) > 0;
      limit = target;
      i = target;
      jumps++;
    } else {
      return fail(NAME_FAULT.LABEL_TYPE, i) > 0;
    }
  }
  return fail(NAME_FAULT.TOO_LONG, i) > 0;
}

/** Bytes of a label that stand for themselves in presentation form (and in JSON). */
const PLAIN = new Uint8Array(256);
for (let i = 0x21; i < 0x7f; i++) PLAIN[i] = 1;
for (const c of '."\\;()@$') PLAIN[c.charCodeAt(0)] = 0;

/** Most bytes that a name takes: 255 octets of at most 5 characters each (`\\\\DDD`). */
export const NAME_ROOM = 1300;

/**
 * Writes a checked name in presentation form as the inside of a JSON string: dots and specials
 * inside labels as `\.`, other octets as `\DDD` (RFC 1035 5.1), each backslash doubled for JSON.
 */
export function writeName(json: JsonWriter, bytes: Uint8Array, at: number, start: number): void {
  json.room(NAME_ROOM);
  json.at = nameAt(json.bytes, json.at, bytes, at, start);
}

/** Octets escaped so far: tells whether a name had any without a result of its own. */
export const escapes = { count: 0 };

/** As `writeName`, at an index of memory that has room. Returns the index after the name. */
export function nameAt(
  out: Uint8Array,
  from: number,
  bytes: Uint8Array,
  at: number,
  start: number,
): number {
  let to = from;
  let i = at;
  let b = bytes[i] as number;
  for (;;) {
    if (b >= 192) {
      i = start + (((b & 0x3f) << 8) | (bytes[i + 1] as number));
      b = bytes[i] as number;
      continue;
    }
    if (b === 0) break;
    const stop = i + 1 + b;
    for (i++; i < stop; i++) {
      const c = bytes[i] as number;
      if (PLAIN[c] === 1) out[to++] = c;
      else to = escapeOctet(out, to, c);
    }
    out[to++] = 0x2e;
    b = bytes[i] as number;
  }
  // The root, or a pointer straight to it.
  if (to === from) out[to++] = 0x2e;
  return to;
}

function escapeOctet(out: Uint8Array, to: number, c: number): number {
  escapes.count++;
  out[to++] = 0x5c;
  out[to++] = 0x5c;
  if (c > 0x20 && c < 0x7f) {
    if (c === 0x22 || c === 0x5c) out[to++] = 0x5c;
    out[to++] = c;
  } else {
    out[to++] = 0x30 + Math.floor(c / 100);
    out[to++] = 0x30 + (Math.floor(c / 10) % 10);
    out[to++] = 0x30 + (c % 10);
  }
  return to;
}

/** Each octet of a label as presentation form has it. */
const OCTET_TEXT: readonly string[] = Array.from({ length: 256 }, (_, c) => {
  const char = String.fromCharCode(c);
  if (PLAIN[c] === 1) return char;
  return c > 0x20 && c < 0x7f ? `\\${char}` : `\\${String(c).padStart(3, "0")}`;
});

/** A checked name as text, absolute, with its last dot. */
export function nameText(bytes: Uint8Array, at: number, start: number): string {
  let text = "";
  let i = at;
  for (;;) {
    const b = bytes[i] as number;
    if (b >= 192) {
      i = start + (((b & 0x3f) << 8) | (bytes[i + 1] as number));
      continue;
    }
    if (b === 0) return text === "" ? "." : text;
    const stop = i + 1 + b;
    for (i++; i < stop; i++) text += OCTET_TEXT[bytes[i] as number] as string;
    text += ".";
  }
}

/** Where pointers can lead. RFC 1035 4.1.4. */
const REACHABLE = 0x4000;
/** Texts of the names of one message by where their labels begin; one of another message has an older stamp. */
const texts: string[] = new Array(REACHABLE).fill("");
/** The character of the text at which the label begins. */
const cuts = new Uint8Array(REACHABLE);
const stamps = new Int32Array(REACHABLE);
let stamp = 0;
/** Offsets of the labels of the name that is read. */
const labelOffsets = new Int32Array(MAX_POINTERS);

/** Names that `messageName` reads are those of a new message from now on. */
export function beginNames(): void {
  stamp = (stamp + 1) | 0;
}

/** As `nameText`, keeping the text of each suffix: a pointer to it is then a look-up. */
export function messageName(bytes: Uint8Array, at: number, start: number): string {
  let i = at;
  let count = 0;
  let hash = 0;
  let tail = "";
  for (;;) {
    const b = bytes[i] as number;
    if (b === 0) break;
    if (b >= 192) {
      tail = pointedAt(bytes, ((b & 0x3f) << 8) | (bytes[i + 1] as number), start);
      break;
    }
    labelOffsets[count++] = i;
    const stop = i + 1 + b;
    for (; i < stop; i++) hash = Math.imul(hash, 0x01000193) ^ (bytes[i] as number);
  }
  if (count === 0) return tail === "" ? "." : tail;
  const slot = (hash ^ (hash >>> 15)) & (RECENT - 1);
  let text = recent[slot] as string;
  if (
    text.length !== i - at + tail.length ||
    recentTails[slot] !== tail ||
    !spells(text, bytes, at, i)
  ) {
    text = labelsText(bytes, at, i) + tail;
    // With escapes the dots do not stand where the lengths did.
    if (text.length !== i - at + tail.length) return text;
    recent[slot] = text;
    recentTails[slot] = tail;
  }
  for (let n = 0; n < count; n++) {
    const from = labelOffsets[n] as number;
    const offset = from - start;
    if (offset < REACHABLE) {
      texts[offset] = text;
      cuts[offset] = from - at;
      stamps[offset] = stamp;
    }
  }
  return text;
}

/** Text of what a pointer leads to; of the root nothing. */
function pointedAt(bytes: Uint8Array, offset: number, start: number): string {
  if (stamps[offset] !== stamp) {
    const text = nameText(bytes, start + offset, start);
    return text === "." ? "" : text;
  }
  const cut = cuts[offset] as number;
  if (cut === 0) return texts[offset] as string;
  const text = (texts[offset] as string).slice(cut);
  texts[offset] = text;
  cuts[offset] = 0;
  return text;
}

/** Labels of `bytes[at, end)`, each with its dot. */
function labelsText(bytes: Uint8Array, at: number, end: number): string {
  let text = "";
  for (let i = at; i < end; text += ".") {
    const stop = i + 1 + (bytes[i] as number);
    for (i++; i < stop; i++) text += OCTET_TEXT[bytes[i] as number] as string;
  }
  return text;
}

/** Texts of names read lately, of whatever message: the same come again and again. */
const RECENT = 2048;
const recent: string[] = new Array(RECENT).fill("");
/** What stood behind the pointer at the end of each; no pointer: nothing. */
const recentTails: string[] = new Array(RECENT).fill("");

/** Whether a text begins with the labels at `[at, end)`, none of which has an octet to escape. */
function spells(text: string, bytes: Uint8Array, at: number, end: number): boolean {
  let i = at;
  while (i < end) {
    const stop = i + 1 + (bytes[i] as number);
    for (i++; i < stop; i++) {
      const c = bytes[i] as number;
      if (c === 0x2e || text.charCodeAt(i - at - 1) !== c) return false;
    }
    if (text.charCodeAt(i - at - 1) !== 0x2e) return false;
  }
  return true;
}

/**
 * Labels of a name in presentation form; a name without its last dot is taken as absolute too.
 * @throws EncodeError when it is no name.
 */
export function nameLabels(name: string): Uint8Array[] {
  if (name === ".") return [];
  const labels: Uint8Array[] = [];
  let label: number[] = [];
  let total = 1;
  const finish = () => {
    if (label.length === 0) throw badName("dns.name.empty-label", name, "has an empty label");
    if (label.length > MAX_LABEL_BYTES)
      throw badName("dns.name.label-length", name, "has a label longer than 63 octets");
    total += label.length + 1;
    if (total > MAX_NAME_BYTES)
      throw badName("dns.name.too-long", name, "is longer than 255 octets");
    labels.push(Uint8Array.from(label));
    label = [];
  };
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === 0x2e) {
      finish();
    } else if (code === 0x5c) {
      const digits = name.slice(i + 1, i + 4);
      if (/^[0-9]{3}$/.test(digits)) {
        if (Number(digits) > 255)
          throw badName("dns.name.escape", name, `has the escape \\${digits}`);
        label.push(Number(digits));
        i += 3;
      } else if (i + 1 < name.length) {
        label.push(name.charCodeAt(++i) & 0xff);
      } else {
        throw badName("dns.name.escape", name, "ends in a backslash");
      }
    } else if (code > 0xff) {
      throw badName(
        "dns.name.character",
        name,
        "has a character that is no octet (write it as A-label)",
      );
    } else {
      label.push(code);
    }
  }
  if (label.length > 0) finish();
  else if (labels.length === 0) throw badName("dns.name.empty", name, "is empty");
  return labels;
}

/** A name as the codec prints it, each octet escaped that needs it; relative names stay relative. @throws EncodeError */
export function canonicalText(name: string): string {
  const labels = nameLabels(name);
  if (labels.length === 0) return ".";
  const text = labels
    .map((label) => Array.from(label, (octet) => OCTET_TEXT[octet] as string).join(""))
    .join(".");
  return isAbsolute(name) ? `${text}.` : text;
}

/** Whether a name ends in the root's dot: one that no backslash escapes. */
export function isAbsolute(name: string): boolean {
  const backslashes = /(\\*)\.$/.exec(name);
  return backslashes !== null && (backslashes[1] as string).length % 2 === 0;
}

function badName(code: string, name: string, what: string): EncodeError {
  return new EncodeError(code, "RFC 1035 2.3.4", `the name ${JSON.stringify(name)} ${what}`);
}

/** The typed fields that every element looks at, and the grammar of the rest. RFC 3261 8.1.1, 20, 25.1. */
import { DecodeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { parseAddress, parseAddresses } from "./address.ts";
import { parseAuth } from "./auth.ts";
import { MAX_CSEQ, MAX_SECONDS, SINGLE } from "./constants.ts";
import { parseDate } from "./date.ts";
import type { SipMessage } from "./message.ts";
import { canonicalName } from "./message.ts";
import { isToken, isWord, paramValue, Scanner } from "./scanner.ts";
import type { Via } from "./via.ts";
import { parseVias } from "./via.ts";

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** Absent where a field is missing or not of its form. */
export interface SipParts {
  /** Top first. */
  readonly vias: Via[];
  from?: Address;
  to?: Address;
  callId?: string;
  cseq?: CSeq;
  readonly contacts: Address[];
  /** `Contact: *` (RFC 3261 10.2.2). */
  allContacts?: true;
  maxForwards?: number;
  contentLength?: number;
  /** Without parameters, as sent. */
  contentType?: string;
  /** Seconds. */
  expires?: number;
  /** Event package, without parameters (RFC 6665). */
  event?: string;
}

/** `index`: of the field in the message, -1 for the message as a whole; `offset`: in its value. */
export type Report = (
  code: string,
  index: number,
  offset: number,
  spec: string,
  message: string,
) => void;

type Reader = (value: string, parts: SipParts) => void;

function refuse(code: string, spec: string, message: string, at = 0): never {
  throw new DecodeError(code, at, spec, message);
}

/** Digits up to `most`; leading zeros are fine (RFC 4475 3.1.1.1). */
function integer(value: string, most: number, code: string, spec: string): number {
  if (!/^[0-9]+$/.test(value)) refuse(code, spec, "not a number");
  const number = Number(value);
  if (number > most) refuse(code, spec, `larger than ${most}`);
  return number;
}

/** RFC 3261 20.16: `1*DIGIT LWS Method`. */
export function parseCSeq(value: string): CSeq {
  const scanner = new Scanner(value, "sip.cseq.syntax");
  const number = integer(
    scanner.token("the sequence number"),
    MAX_CSEQ,
    "sip.cseq.number",
    "RFC 3261 8.1.1.5",
  );
  const before = scanner.at;
  scanner.blanks();
  if (scanner.at === before) scanner.fail("no blank before the method");
  const method = scanner.token("the method");
  scanner.end();
  return { number, method };
}

function readMediaType(value: string, parts: SipParts): void {
  const scanner = new Scanner(value, "sip.content-type.syntax");
  const type = scanner.token("the type");
  if (!scanner.separator("/")) scanner.fail("no / after the type");
  parts.contentType = `${type}/${scanner.token("the subtype")}`;
  scanner.params();
  scanner.end();
}

function readEvent(value: string, parts: SipParts): void {
  const scanner = new Scanner(value, "sip.event.syntax");
  parts.event = scanner.token("the event package");
  scanner.params();
  scanner.end();
}

function readCallId(value: string, parts: SipParts): void {
  const at = value.indexOf("@");
  const fine = at < 0 ? isWord(value) : isWord(value.slice(0, at)) && isWord(value.slice(at + 1));
  parts.callId = value;
  if (!fine) refuse("sip.call-id.syntax", "RFC 3261 25.1", "not word [ @ word ]");
}

function readContact(value: string, parts: SipParts): void {
  if (value.trim() === "*") {
    parts.allContacts = true;
    return;
  }
  parts.contacts.push(...parseAddresses(value));
}

function readSeconds(value: string, parts: SipParts): void {
  parts.expires = integer(value, MAX_SECONDS, "sip.expires.number", "RFC 3261 20.19");
}

/** RFC 3261 20.34: routes stand in brackets. */
function readRoutes(value: string): void {
  const routes = parseAddresses(value);
  if (routes.length > 0 && !value.includes("<"))
    refuse("sip.route.brackets", "RFC 3261 25.1", "a route without brackets");
}

function readTokens(value: string): void {
  if (value.trim() === "") return; // Supported, Accept and Allow may be empty: RFC 3261 25.1.
  for (const item of value.split(",")) {
    if (!isToken(item.trim()))
      refuse("sip.list.syntax", "RFC 3261 25.1", `${JSON.stringify(item.trim())} is no token`);
  }
}

const READERS: Readonly<Record<string, Reader>> = {
  via: (value, parts) => void parts.vias.push(...parseVias(value)),
  from: (value, parts) => void (parts.from = parseAddress(value)),
  to: (value, parts) => void (parts.to = parseAddress(value)),
  "call-id": readCallId,
  cseq: (value, parts) => void (parts.cseq = parseCSeq(value)),
  contact: readContact,
  "max-forwards": (value, parts) =>
    void (parts.maxForwards = integer(value, 255, "sip.max-forwards.number", "RFC 3261 20.22")),
  "content-length": (value, parts) =>
    void (parts.contentLength = integer(
      value,
      2 ** 31 - 1,
      "sip.content-length.number",
      "RFC 3261 20.14",
    )),
  "content-type": readMediaType,
  expires: readSeconds,
  "min-expires": (value) =>
    void integer(value, MAX_SECONDS, "sip.expires.number", "RFC 3261 20.23"),
  event: readEvent,
  route: readRoutes,
  "record-route": readRoutes,
  path: readRoutes,
  "service-route": readRoutes,
  date: (value) => void parseDate(value),
  require: readTokens,
  "proxy-require": readTokens,
  supported: readTokens,
  unsupported: readTokens,
  allow: readTokens,
  authorization: (value) => void parseAuth(value),
  "proxy-authorization": (value) => void parseAuth(value),
  "www-authenticate": (value) => void parseAuth(value),
  "proxy-authenticate": (value) => void parseAuth(value),
};

/** RFC 3261 8.1.1: what each message must have. Max-Forwards is new in it, and added where missing (16.6). */
const REQUIRED = ["via", "from", "to", "call-id", "cseq"] as const;

/** Reads the fields of a message; each that breaks its grammar is told to `report`. */
export function readParts(message: SipMessage, report: Report): SipParts {
  const parts: SipParts = { vias: [], contacts: [] };
  const seen = new Map<string, number>();
  message.fields.forEach((field, index) => {
    const name = canonicalName(field.name);
    const before = seen.get(name);
    seen.set(name, index);
    if (before !== undefined && SINGLE.has(name)) {
      const same = message.fields[before]?.value === field.value;
      report(
        "sip.field.repeated",
        index,
        0,
        "RFC 3261 7.3.1",
        `${name} stands twice${same ? "" : ", with different values"}`,
      );
      return;
    }
    const reader = READERS[name];
    if (reader === undefined) return;
    try {
      reader(field.value, parts);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      report(error.code, index, error.offset, error.spec, `${field.name}: ${error.message}`);
    }
  });
  for (const name of REQUIRED) {
    if (!seen.has(name))
      report("sip.field.missing", -1, 0, "RFC 3261 8.1.1", `there is no ${name} field`);
  }
  if (
    message.kind === "request" &&
    parts.cseq !== undefined &&
    parts.cseq.method !== message.method
  ) {
    report(
      "sip.cseq.method",
      seen.get("cseq") ?? -1,
      0,
      "RFC 3261 8.1.1.5",
      `CSeq names ${parts.cseq.method}, the request is ${message.method}`,
    );
  }
  if (parts.allContacts === true && parts.contacts.length > 0) {
    report(
      "sip.contact.star",
      seen.get("contact") ?? -1,
      0,
      "RFC 3261 10.2.2",
      "* stands beside other contacts",
    );
  }
  return parts;
}

/** The tag of From or To. */
export function tagOf(address: Address | undefined): string | undefined {
  return address === undefined ? undefined : paramValue(address.params, "tag");
}

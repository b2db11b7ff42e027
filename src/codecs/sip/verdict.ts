/** What an element does with a message before its own logic. RFC 3261 8.2, 16.3, 18.3; RFC 4475. */
import type { Issue } from "../errors.ts";
import type { SipMessage } from "./message.ts";
import { fieldValues } from "./message.ts";
import type { SipParts } from "./parts.ts";

export interface Verdict {
  /** Answer with `status`, drop in silence (a response, or an ACK), or go on. */
  readonly action: "accept" | "reject" | "drop";
  readonly status?: number;
  readonly reason?: string;
  readonly spec?: string;
}

export interface Abilities {
  /** Option tags of Require. */
  readonly extensions?: ReadonlySet<string>;
  readonly schemes?: ReadonlySet<string>;
  readonly contentTypes?: ReadonlySet<string>;
}

const SCHEMES: ReadonlySet<string> = new Set(["sip", "sips", "tel"]);
const CONTENT_TYPES: ReadonlySet<string> = new Set([
  "application/sdp",
  "application/pidf+xml",
  "application/dtmf-relay",
  "application/simple-message-summary",
  "message/sipfrag",
  "message/sip",
  "text/plain",
]);
const NONE: ReadonlySet<string> = new Set();
/** Faults of fields that a receiver may pass over: RFC 4475 3.1.2.12, RFC 3261 7.1 of line ends. */
const HARMLESS: ReadonlySet<string> = new Set([
  "sip.date.syntax",
  "sip.date.range",
  "sip.line.bare-lf",
  "sip.text.utf8",
]);

/** Judges a message read tolerantly, with its issues. */
export function verdict(
  message: SipMessage,
  parts: SipParts,
  issues: readonly Issue[],
  abilities: Abilities = {},
): Verdict {
  const fault = issues.find((issue) => !HARMLESS.has(issue.code));
  if (message.kind === "response") {
    if (fault !== undefined) return { action: "drop", reason: fault.message, spec: fault.spec };
    // RFC 3261 18.1.2: a response with more than one Via was not meant for this element.
    return { action: "accept" };
  }
  const answer = (status: number, reason: string, spec: string): Verdict =>
    message.method === "ACK"
      ? { action: "drop", reason, spec }
      : { action: "reject", status, reason, spec };
  if (message.version.toUpperCase() !== "SIP/2.0")
    return answer(505, "Version Not Supported", "RFC 3261 21.5.6");
  if (fault !== undefined) return answer(400, fault.message, fault.spec);
  const scheme = message.requestUri.slice(0, message.requestUri.indexOf(":")).toLowerCase();
  if (!(abilities.schemes ?? SCHEMES).has(scheme))
    return answer(416, `the scheme ${scheme} is not known`, "RFC 3261 8.2.2.1");
  if (parts.maxForwards === 0 && message.method !== "REGISTER")
    return answer(483, "Max-Forwards is 0", "RFC 3261 16.3");
  const required = [
    ...fieldValues(message.fields, "require"),
    ...fieldValues(message.fields, "proxy-require"),
  ]
    .flatMap((value) => value.split(","))
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "" && !(abilities.extensions ?? NONE).has(tag));
  if (required.length > 0 && message.method !== "CANCEL") {
    return answer(420, `not supported: ${required.join(", ")}`, "RFC 3261 8.2.2.3");
  }
  const type = parts.contentType?.toLowerCase();
  const knownType =
    type === undefined ||
    type.startsWith("multipart/") ||
    (abilities.contentTypes ?? CONTENT_TYPES).has(type);
  if (!knownType && message.body.length > 0 && message.method === "INVITE") {
    return answer(415, `the type ${type} is not known`, "RFC 3261 8.2.3");
  }
  return { action: "accept" };
}

/** Records of SIP messages: the body keys that the analyser prints. */
import type { Address } from "./address.ts";
import type { SipMessage } from "./message.ts";
import { fieldValue } from "./message.ts";
import type { SipParts } from "./parts.ts";
import { tagOf } from "./parts.ts";
import { paramValue } from "./scanner.ts";

/** Body keys in their order, without what is not known. */
export function record(message: SipMessage, parts: SipParts): Record<string, unknown> {
  const body: Record<string, unknown> = { kind: message.kind };
  const put = (key: string, value: unknown) => {
    if (value !== undefined) body[key] = value;
  };
  if (message.kind === "request") {
    body["method"] = message.method;
    body["ruri"] = message.requestUri;
  } else {
    body["status"] = message.statusCode;
    body["reason"] = message.reasonPhrase;
  }
  put("callId", parts.callId);
  put("cseq", parts.cseq?.number);
  put("cseqMethod", parts.cseq?.method);
  const from = fieldValue(message.fields, "from");
  const to = fieldValue(message.fields, "to");
  put("from", uriOf(parts.from, from));
  put("to", uriOf(parts.to, to));
  put("fromTag", tagOf(parts.from) ?? looseTag(parts.from, from));
  put("toTag", tagOf(parts.to) ?? looseTag(parts.to, to));
  const branches = parts.vias.map((via) => paramValue(via.params, "branch") ?? "");
  if (branches.length > 0) body["viaBranches"] = branches;
  put("contact", parts.allContacts === true ? "*" : parts.contacts[0]?.uri);
  put("contentType", parts.contentType);
  put("contentLength", parts.contentLength);
  put("expires", parts.expires);
  put("event", parts.event);
  body["headers"] = message.fields.map((field) => [field.name, field.value]);
  return body;
}

/** What stands in the brackets of a field that is not of its form. */
function uriOf(address: Address | undefined, value: string | undefined): string | undefined {
  if (address !== undefined) return address.uri;
  return value === undefined ? undefined : /<([^<>]*)>/.exec(value)?.[1];
}

function looseTag(address: Address | undefined, value: string | undefined): string | undefined {
  if (address !== undefined || value === undefined) return undefined;
  return /;\s*tag\s*=\s*([^;\s]+)/i.exec(value)?.[1];
}

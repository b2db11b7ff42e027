/** What origins say to the caches in front of them. "Edge Architecture Specification" (W3C Note, 2001). */
import type { Field } from "../../../codecs/http/message.ts";
import { field, joinedField, listMembers, withField, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";

/** 3.1: this edge processes ESI. */
export const CAPABILITY: Field = { name: "Surrogate-Capability", value: 'netkit="ESI/1.0"' };

/** 3.2: whether the response is a template. */
export function isTemplate({ fields }: ResponseHead): boolean {
  const content = directive(fields, "content");
  return (
    content?.split(/[ \t]+/).includes("ESI/1.0") === true &&
    field(fields, "content-encoding") === undefined
  );
}

/** Directives of freshness in the words of RFC 9213, which the cache obeys. */
export function targeted(head: ResponseHead): ResponseHead {
  const { fields } = head;
  if (field(fields, "surrogate-control") === undefined) return head;
  if (field(fields, "cdn-cache-control") !== undefined) return head;
  const said: string[] = [];
  if (
    directive(fields, "no-store") !== undefined ||
    directive(fields, "no-store-remote") !== undefined
  ) {
    said.push("no-store");
  }
  // 3.2: `max-age=600+60`: 60 seconds more while the origin cannot be reached.
  const age = /^([0-9]{1,10})(?:\+([0-9]{1,10}))?$/.exec(directive(fields, "max-age") ?? "");
  if (age !== null) said.push(`max-age=${age[1]}`);
  if (age?.[2] !== undefined) said.push(`stale-if-error=${age[2]}`);
  if (said.length === 0) return head;
  return { ...head, fields: withField(fields, "CDN-Cache-Control", said.join(", ")) };
}

/** 3.2: what was for this cache is not for those behind it. */
export function withoutControl(head: ResponseHead): ResponseHead {
  if (field(head.fields, "surrogate-control") === undefined) return head;
  return { ...head, fields: without(head.fields, "surrogate-control", "cdn-cache-control") };
}

function directive(fields: readonly Field[], name: string): string | undefined {
  for (const member of listMembers(joinedField(fields, "surrogate-control"))) {
    const at = member.indexOf("=");
    const key = (at < 0 ? member : member.slice(0, at)).trim().toLowerCase();
    if (key !== name) continue;
    return at < 0
      ? ""
      : member
          .slice(at + 1)
          .trim()
          .replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}

/** What rules of proxies and caches send, and how they judge. */
import type { HttpResponse } from "../../../codecs/http/message.ts";
import type { Request } from "../http/probe.ts";
import { expectRefused, expectThat, first, raw, request } from "../http/probe.ts";
import type { Reply } from "../http/rule.ts";
import { Inapplicable } from "../rule.ts";
import type { Play, Seen } from "./origin.ts";
import type { Conversation, ProxyTarget } from "./rule.ts";

export interface Asked extends Request {
  /** Behind the path. */
  readonly query?: string;
}

/** A response of the origin. */
export function ok(fields: readonly string[] = [], body = "hello", status = "200 OK"): Play {
  const lines = [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`];
  return { text: `${lines.join("\r\n")}\r\n\r\n${body}` };
}

/** The request line's target for a path at the origin. */
export function targetOf(target: ProxyTarget, path: string): string {
  return target.forward ? `http://${target.host}${path}` : path;
}

/** A request through the proxy, in octets. */
export function through(target: ProxyTarget, path: string, asked: Asked = {}): string {
  const { query = "", ...rest } = asked;
  const full = { target: targetOf(target, `${path}${query}`), ...rest };
  return request({ host: target.host, path }, full);
}

/** What the proxy says to a request. */
export function* ask(
  target: ProxyTarget,
  path: string,
  asked: Asked = {},
): Conversation<HttpResponse> {
  const methods = [asked.method ?? "GET"];
  return first(yield* raw(through(target, path, asked), { methods }));
}

/** What of a request got through to an origin that says 200. */
export function* passed(target: ProxyTarget, asked: Asked = {}): Conversation<Seen> {
  const path = target.origin.place(() => ok());
  yield* ask(target, path, asked);
  return arrived(target, path);
}

export function arrived(target: ProxyTarget, path: string): Seen {
  const [seen] = target.origin.requests(path);
  if (seen === undefined) throw new Inapplicable("the request is not passed on");
  return seen;
}

/** What of a response got through. */
export function* passedBack(target: ProxyTarget, play: Play): Conversation<HttpResponse> {
  return yield* ask(
    target,
    target.origin.place(() => play),
  );
}

/** The origin's response is not passed on: 502, or no whole response. */
export function* expectBadGateway(target: ProxyTarget, play: Play): Conversation<void> {
  const path = target.origin.place(() => play);
  const reply = yield* raw(through(target, path), {});
  const [response] = reply.responses;
  if (response === undefined) return;
  expectThat(response.statusCode === 502, `status ${response.statusCode}, expected 502`);
}

/** The request is refused (or the connection closed), and the origin hears nothing. */
export function* expectKept(target: ProxyTarget, asked: Asked): Conversation<void> {
  const path = target.origin.place(() => ok());
  const reply: Reply = yield* raw(through(target, path, asked), {});
  expectThat(target.origin.requests(path).length === 0, "it is passed on to the origin");
  expectRefused(reply, [400, 411, 501, 502], true);
}

export function values(fields: Seen["fields"], name: string): readonly string[] {
  return fields
    .filter((one) => one.name.toLowerCase() === name.toLowerCase())
    .map(({ value }) => value);
}

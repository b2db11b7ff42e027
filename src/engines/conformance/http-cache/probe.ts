/** How rules of caches ask twice, and tell who answered. */
import type { HttpResponse } from "../../../codecs/http/message.ts";
import { expectThat } from "../http/probe.ts";
import type { Answer, Play } from "../http-proxy/origin.ts";
import type { Asked } from "../http-proxy/probe.ts";
import { ask, ok } from "../http-proxy/probe.ts";
import type { Conversation, ProxyTarget } from "../http-proxy/rule.ts";
import { Inapplicable } from "../rule.ts";

/** Until what may be kept for one second is stale. */
const STALE_MS = 2200;

export interface Twice {
  readonly first: HttpResponse;
  readonly second: HttpResponse;
  /** Requests that the origin got. */
  readonly asked: number;
  readonly path: string;
}

/** Each response of the origin has a body of its own: `body 1`, `body 2`. */
export function numbered(fields: readonly string[], status?: string): Answer {
  return (_seen, nth) => ok(fields, `body ${nth}`, status);
}

export function* pause(milliseconds: number = STALE_MS): Conversation<void> {
  yield { pause: milliseconds };
}

/** Two requests for one URI, the second with what `again` says. */
export function* twice(
  target: ProxyTarget,
  answer: Answer,
  one: Asked = {},
  again: Asked = one,
  wait = 0,
): Conversation<Twice> {
  const path = target.origin.place(answer);
  const first = yield* ask(target, path, one);
  if (wait > 0) yield* pause(wait);
  const second = yield* ask(target, path, again);
  return { first, second, asked: target.origin.requests(path).length, path };
}

/** The second request is the origin's to answer. */
export function expectAsked({ asked }: Twice): void {
  expectThat(asked >= 2, "the second request is answered from the store");
}

/** The second request is answered from the store. */
export function expectReused({ asked, second }: Twice): void {
  expectThat(asked === 1, "the origin is asked again");
  expectThat(bodyOf(second) === "body 1", `the body is ${bodyOf(second)}`);
}

export function bodyOf({ body }: HttpResponse): string {
  return Buffer.from(body).toString("latin1");
}

/** A URI of which a fresh response is in the store. @throws Inapplicable when the cache keeps nothing of it */
export function* stored(
  target: ProxyTarget,
  fields: readonly string[] = [],
  answer?: (nth: number, method: string) => Play | undefined,
): Conversation<string> {
  const path = target.origin.place(({ method }, nth) => {
    const usual = ok(["Cache-Control: max-age=3600", ...fields], `body ${nth}`);
    return answer?.(nth, method) ?? usual;
  });
  yield* ask(target, path);
  yield* ask(target, path);
  if (target.origin.requests(path).length !== 1)
    throw new Inapplicable("the cache does not reuse a fresh response");
  return path;
}

export function gets(target: ProxyTarget, path: string): number {
  return target.origin.requests(path).filter(({ method }) => method === "GET").length;
}

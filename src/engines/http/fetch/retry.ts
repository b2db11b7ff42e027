/** Whether and when a request is tried again after a failure that may pass. RFC 9110 9.2.2, 10.2.3. */
import type { Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { IncomingHead } from "../client-connection.ts";
import { parseHttpDate } from "../date.ts";
import { field } from "../fields.ts";

export interface RetryOptions {
  readonly times: number;
  /** Between tries; without it 1 s, doubled each time. */
  readonly delay?: Nanos | undefined;
}

const FIRST: Nanos = SECOND;
const LONGEST: Nanos = 600 * SECOND;

export function isTransient(statusCode: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(statusCode);
}

/** `tried`: retries so far. What the server asks for counts where it is longer. */
export function delayOf(
  options: RetryOptions,
  tried: number,
  head: IncomingHead | undefined,
  wallMs: number,
): Nanos {
  let own = options.delay ?? FIRST;
  if (options.delay === undefined) for (let i = 0; i < tried && own < LONGEST; i++) own *= 2;
  const asked = head === undefined ? undefined : retryAfter(head, wallMs);
  return Math.min(LONGEST, Math.max(own, asked ?? 0));
}

/** RFC 9110 10.2.3: seconds, or a date. */
export function retryAfter(head: IncomingHead, wallMs: number): Nanos | undefined {
  const text = field(head.fields, "retry-after")?.trim();
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * SECOND;
  const date = parseHttpDate(text, wallMs);
  return date === undefined ? undefined : Math.max(0, date - wallMs) * 1e6;
}

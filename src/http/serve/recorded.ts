/** A server that answers as those of a capture did: a mock for tests. */

import { precondition } from "../../engines/http/conditions.ts";
import { parseHttpDate } from "../../engines/http/date.ts";
import type { Exchange } from "../../engines/http/exchange.ts";
import { field } from "../../engines/http/fields.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";
import { replayable } from "../../engines/replay/play/site.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { RecordedExchange } from "../../replay/recordings.ts";
import { hostOf, loadRecordings } from "../../replay/recordings.ts";

/** Answers of one request, in the order of the capture; the last one stays. */
interface Answers {
  readonly list: RecordedExchange[];
  next: number;
}

/** @throws CommandError when the capture has no answers */
export async function recordedHandler(path: string): Promise<RequestHandler> {
  const { exchanges } = await loadRecordings(path);
  const answers = new Map<string, Answers>();
  const add = (key: string, one: RecordedExchange) => {
    const known = answers.get(key);
    if (known === undefined) answers.set(key, { list: [one], next: 0 });
    else known.list.push(one);
  };
  for (const one of exchanges) {
    // 304 tells of what another client had.
    if (one.body === undefined || one.statusCode === 304 || one.statusCode < 200) continue;
    add(`${one.method} ${one.host} ${one.target}`, one);
    add(`${one.method} * ${one.target}`, one);
  }
  if (answers.size === 0) {
    throw new CommandError(
      `${path}: no whole response of HTTP/1.x is in it to answer with`,
      EXIT.input,
    );
  }
  return (exchange) => {
    const { method, target } = exchange.request;
    const asked = method === "HEAD" ? "GET" : method;
    const host = hostOf(exchange.field("host") ?? "");
    const found = answers.get(`${asked} ${host} ${target}`) ?? answers.get(`${asked} * ${target}`);
    if (found === undefined) {
      exchange.respondError(404, `${method} ${target} is not in the capture`);
      return;
    }
    const one = found.list[Math.min(found.next++, found.list.length - 1)] as RecordedExchange;
    answer(exchange, one);
  };
}

function answer(exchange: Exchange, one: RecordedExchange): void {
  const { method, fields } = exchange.request;
  const etag = field(one.fields, "etag");
  const modified = field(one.fields, "last-modified");
  const nowMs = exchange.host.clock.wallMs();
  const lastModifiedMs = modified === undefined ? undefined : parseHttpDate(modified, nowMs);
  const told = replayable(one.fields);
  const asks = precondition(method, fields, { etag, lastModifiedMs }, true, nowMs);
  if (one.statusCode === 200 && asks !== "go on") {
    exchange.respond({ statusCode: asks, fields: told });
    return;
  }
  exchange.respond({ statusCode: one.statusCode, fields: told }, one.body);
}

/** What a capture's servers answered, with the octets of bodies and messages: to be served, or asked for, again. */
import type { Field } from "../codecs/http/message.ts";
import { concat } from "../codecs/writer.ts";
import { field } from "../engines/http/fields.ts";
import { Observer } from "../engines/replay/index.ts";
import type { Lookup } from "../engines/replay/lookups.ts";
import { readCapture } from "../net/capture/read.ts";

export interface RecordedExchange {
  readonly method: string;
  /** As in Host, lower case, without a port; the server's address where there is none. */
  readonly host: string;
  readonly target: string;
  readonly requestFields: readonly Field[];
  readonly statusCode: number;
  readonly fields: readonly Field[];
  /** Without framing; undefined: the capture does not have all of it. */
  readonly body: Uint8Array | undefined;
  /** Of the request, in milliseconds from the first packet. */
  readonly startMs: number;
}

export interface Recordings {
  readonly exchanges: readonly RecordedExchange[];
  readonly lookups: readonly Lookup[];
}

/** @throws CaptureError when the file cannot be read or is no capture */
export async function loadRecordings(path: string): Promise<Recordings> {
  const observer = new Observer(true);
  await readCapture(path, {
    packet: (captured) => observer.add(captured),
    issue: (issue) => observer.trouble(issue),
  });
  observer.end();
  const exchanges = observer.connections.flatMap((connection) =>
    connection.http.exchanges
      .filter((exchange) => exchange.answered)
      .map((exchange) => ({
        method: exchange.method,
        host: hostOf(field(exchange.fields, "host") ?? connection.server),
        target: pathOf(exchange.target),
        requestFields: exchange.fields,
        statusCode: exchange.status,
        fields: exchange.responseFields,
        body:
          exchange.whole && exchange.missing === 0 && exchange.body !== undefined
            ? concat(exchange.body)
            : undefined,
        startMs: exchange.startMs,
      })),
  );
  exchanges.sort((a, b) => a.startMs - b.startMs);
  return { exchanges, lookups: observer.lookups.lookups };
}

export function hostOf(text: string): string {
  return text.toLowerCase().replace(/:\d+$/, "");
}

/** RFC 9112 3.2.2: a proxy is asked with the whole URI. */
function pathOf(target: string): string {
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return target;
  const url = new URL(target);
  return `${url.pathname}${url.search}`;
}

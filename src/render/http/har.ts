/** A run as HTTP Archive 1.2, which browsers' tools open: entries with their phases in milliseconds. */
import type { Field } from "../../codecs/http/message.ts";
import type { Nanos } from "../../engines/host.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import type { Timing } from "../../engines/http/fetch/timing.ts";
import { allOf, field } from "../../engines/http/fields.ts";
import type { SetResult } from "../../http/fetch/set.ts";

interface Entry {
  readonly url: string;
  readonly request: FetchRequest;
  readonly head: IncomingHead | undefined;
  readonly timing: Timing;
  readonly error: string | undefined;
}

/** `version`: of this program. */
export function harOf(results: readonly SetResult[], version: string): object {
  return {
    log: {
      version: "1.2",
      creator: { name: "netkit", version },
      pages: results.map((result, i) => ({
        startedDateTime: iso(result.startedMs),
        id: `set_${i + 1}`,
        title: result.name,
        pageTimings: { onContentLoad: -1, onLoad: millis(result.ended - result.started) },
      })),
      entries: results.flatMap((result, i) =>
        entriesOf(result).map((entry) => entryJson(entry, result, `set_${i + 1}`)),
      ),
    },
  };
}

/** Each exchange is one: redirects and challenges too. */
function entriesOf({ objects }: SetResult): Entry[] {
  const entries: Entry[] = [];
  for (const { url, sent, head, timing, error, hops } of objects) {
    for (const hop of hops) entries.push({ ...hop, error: undefined });
    if (sent === undefined) continue;
    entries.push({
      url: sent.url ?? url,
      request: sent.request,
      head,
      timing,
      error: error?.message,
    });
  }
  return entries.sort((a, b) => a.timing.queued - b.timing.queued);
}

function entryJson(
  { url, request, head, timing, error }: Entry,
  { started, startedMs }: SetResult,
  pageref: string,
): object {
  const timings = timingsOf(timing);
  const time = Object.entries(timings).reduce(
    // SSL is a part of connect.
    (sum, [phase, value]) => sum + (phase === "ssl" || value < 0 ? 0 : value),
    0,
  );
  return {
    pageref,
    startedDateTime: iso(startedMs + (timing.queued - started) / 1e6),
    time: round(time),
    request: requestJson(url, request),
    response: responseJson(head, timing, error),
    cache: {},
    timings,
    ...(timing.connect?.remote === undefined
      ? {}
      : { serverIPAddress: timing.connect.remote.addr }),
    connection: String(timing.connection),
  };
}

function requestJson(url: string, { method, version, fields, body }: FetchRequest): object {
  const query = new URL(url).searchParams;
  const size = body === undefined ? 0 : (body.length ?? -1);
  const text = body instanceof Uint8Array ? Buffer.from(body).toString("utf8") : "";
  return {
    method,
    url,
    httpVersion: version ?? "HTTP/1.1",
    cookies: cookiesOf(field(fields, "cookie")),
    headers: headersOf(fields),
    queryString: [...query].map(([name, value]) => ({ name, value })),
    ...(body === undefined
      ? {}
      : { postData: { mimeType: field(fields, "content-type") ?? "", params: [], text } }),
    headersSize: -1,
    bodySize: size,
  };
}

function responseJson(head: IncomingHead | undefined, timing: Timing, error?: string): object {
  const fields = head?.fields ?? [];
  return {
    // A response that never came has the status 0, as browsers write it.
    status: head?.statusCode ?? 0,
    statusText: head?.reasonPhrase ?? "",
    httpVersion: head?.version ?? "",
    cookies: allOf(fields, "set-cookie").flatMap((line) => cookiesOf(line.split(";")[0])),
    headers: headersOf(fields),
    content: { size: timing.bodyBytes, mimeType: field(fields, "content-type") ?? "" },
    redirectURL: field(fields, "location") ?? "",
    headersSize: head?.headBytes ?? -1,
    bodySize: head === undefined ? -1 : timing.bodyBytes,
    ...(error === undefined ? {} : { _error: error }),
  };
}

function timingsOf(timing: Timing) {
  const { queued, dns, connect, sent, head, end } = timing;
  const from = dns?.from ?? connect?.from ?? sent ?? end ?? queued;
  return {
    blocked: millis(Math.max(0, from - queued)),
    dns: dns === undefined ? -1 : millis(dns.to - dns.from),
    connect: connect === undefined ? -1 : millis(connect.to - connect.from),
    ssl: connect?.tls === undefined ? -1 : millis(connect.to - connect.tls),
    send: 0,
    wait: sent === undefined ? 0 : millis((head ?? end ?? sent) - sent),
    receive: head === undefined || end === undefined ? 0 : millis(end - head),
  };
}

function headersOf(fields: readonly Field[]): Field[] {
  return fields.map(({ name, value }) => ({ name, value }));
}

function cookiesOf(text: string | undefined): { name: string; value: string }[] {
  return (text ?? "").split(";").flatMap((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [] : [{ name: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim() }];
  });
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function millis(nanos: Nanos): number {
  return round(nanos / 1e6);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

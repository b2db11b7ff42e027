/** A private cache between a user agent and its connections. RFC 9111. */
import type { Field } from "../../../codecs/http/message.ts";
import type { Cache } from "../cache/cache.ts";
import type { Outcome } from "../cache/explain.ts";
import type { Upstream } from "../cache/flow.ts";
import { keyOf } from "../cache/key.ts";
import type { IncomingHead } from "../client-connection.ts";
import { ExchangeError } from "../client-connection.ts";
import { field, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { Fetcher, FetchRequest, FetchSink } from "./fetcher.ts";
import type { Timing } from "./timing.ts";

/** What fetches one object: connections, or a cache before them. */
export interface Way {
  fetch(request: FetchRequest, sink: FetchSink): void;
}

export class CachedWay implements Way {
  private readonly fetcher: Fetcher;
  private readonly cache: Cache;

  constructor(fetcher: Fetcher, cache: Cache) {
    this.fetcher = fetcher;
    this.cache = cache;
  }

  fetch(request: FetchRequest, sink: FetchSink): void {
    const { clock } = this.fetcher.host;
    const { method, origin, target, fields, body } = request;
    // What is stored costs no connection: number 0.
    let timing: Timing = unsent(clock.now());
    let given = 0;
    let outcome: Outcome | undefined;
    const told = (): Timing => {
      // The body may come from the store, whatever the connection carried.
      const cached = outcome?.verdict;
      Object.assign(timing, { bodyBytes: given, ...(cached === undefined ? {} : { cached }) });
      return timing;
    };
    const upstream: Upstream = (asked, up) => {
      let pause: ((on: boolean) => void) | undefined;
      this.fetcher.fetch(
        { ...request, method: asked.method, fields: asked.fields, body: asked.body },
        {
          flow: (control) => {
            pause = control;
          },
          sent: () => sink.sent?.(),
          informed: (head) => up.informed(head),
          head: (head, at) => {
            timing = at;
            up.head(head);
          },
          data: (bytes) => up.data(bytes),
          end: (trailers, at) => {
            timing = at;
            up.end(trailers);
          },
          failed: (why, at) => {
            timing = at;
            up.failed(why);
          },
        },
      );
      return { pause: (on) => pause?.(on), abort: () => {} };
    };
    this.cache.handle({ method, key: keyOf(origin, target), fields, body }, upstream, {
      informed: (head) => sink.informed?.(incoming(head, false)),
      head: (head, what) => {
        outcome = what;
        const stored = what.verdict === "hit" || what.verdict === "stale";
        const now = clock.now();
        if (timing.connection === 0) Object.assign(timing, { sent: now, head: now });
        sink.head(incoming(head, stored), told());
      },
      data: (bytes) => {
        given += bytes.length;
        sink.data(bytes);
        return true;
      },
      end: (trailers: readonly Field[]) => {
        timing.end ??= clock.now();
        sink.end(trailers, told());
      },
      failed: (why) => {
        const error =
          why instanceof ExchangeError ? why : new ExchangeError("local", why.message, true, false);
        timing.end ??= clock.now();
        sink.failed(error, told());
      },
    });
  }
}

function unsent(queued: number): Timing {
  return {
    queued,
    connection: 0,
    onConnection: 0,
    ahead: 0,
    bodyBytes: 0,
    headBytes: 0,
    tries: 0,
  };
}

/** `stored`: a cookie that came with it then is not set again by each use. RFC 6265 3 */
function incoming(head: ResponseHead, stored: boolean): IncomingHead {
  const length = field(head.fields, "content-length");
  return {
    statusCode: head.statusCode,
    reasonPhrase: head.reasonPhrase ?? "",
    version: head.version ?? "HTTP/1.1",
    fields: stored ? without(head.fields, "set-cookie") : head.fields,
    length: length === undefined || !/^[0-9]{1,15}$/.test(length) ? undefined : Number(length),
    headBytes: 0,
  };
}

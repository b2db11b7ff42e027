/** A request on its way through a pool, and its account of time. */
import type { Nanos } from "../../host.ts";
import { isIdempotent } from "../head.ts";
import type { FetchRequest, FetchSink } from "./fetcher.ts";
import type { Timing } from "./timing.ts";

export class Job {
  readonly request: FetchRequest;
  /** Replaced by one that hears nothing when nobody wants the answer. */
  sink: FetchSink;
  readonly timing: Timing;
  constructor(request: FetchRequest, sink: FetchSink, queued: Nanos) {
    this.request = request;
    this.sink = sink;
    this.timing = {
      queued,
      connection: 0,
      onConnection: 0,
      ahead: 0,
      bodyBytes: 0,
      headBytes: 0,
      tries: 0,
    };
  }

  /** RFC 9110 9.2.2: whether it may be sent again though it may have been carried out. */
  get repeatable(): boolean {
    const { method, body } = this.request;
    return (
      isIdempotent(method) &&
      (body === undefined || body instanceof Uint8Array || body.again !== undefined)
    );
  }
}

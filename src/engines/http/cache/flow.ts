/** What a cache stands between: who asks, and who is asked. */
import type { Field } from "../../../codecs/http/message.ts";
import type { BodySource } from "../client-connection.ts";
import type { ResponseHead } from "../head.ts";
import type { Outcome } from "./explain.ts";
import type { Asked } from "./storable.ts";

export interface UpstreamRequest {
  readonly method: string;
  readonly fields: readonly Field[];
  readonly body: Uint8Array | BodySource | undefined;
}

/** What becomes of a request upstream. Ends with `end` or `failed`. */
export interface UpstreamSink {
  informed(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** Lent until it returns. */
  data(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  failed(why: Error): void;
}

export interface UpstreamFlow {
  pause(on: boolean): void;
  abort(): void;
}

export type Upstream = (request: UpstreamRequest, sink: UpstreamSink) => UpstreamFlow;

export interface CacheRequest extends Asked {
  readonly body?: Uint8Array | BodySource | undefined;
}

/** Takes what `data`, `end` and `failed` bring. Bytes are not changed afterwards. */
export interface BodyTaker {
  /** False: stop until `resume`. */
  data(bytes: Uint8Array): boolean;
  end(trailers: readonly Field[]): void;
  failed(why: Error): void;
}

/** What becomes of a request: `head` and then a body, or `failed`. */
export interface CacheSink extends BodyTaker {
  informed?(head: ResponseHead): void;
  head(head: ResponseHead, outcome: Outcome): void;
  /** Before `head`: nothing can be answered. After: the body is cut. */
  failed(why: Error, outcome?: Outcome): void;
}

export interface Handling {
  /** There is room again after `data` answered false. */
  resume(): void;
  /** Nobody waits for it any more. */
  abort(): void;
}

/** HTTP/1.1 as programs on a `Host`: connections of clients and servers. RFC 9110, 9112. */

export type { CacheOptions } from "./cache/cache.ts";
export { Cache } from "./cache/cache.ts";
export type { Decision } from "./cache/decide.ts";
export type { StoredResponse } from "./cache/entry.ts";
export type { Outcome, Reason, Verdict } from "./cache/explain.ts";
export type { CacheRequest, CacheSink, Handling, Upstream } from "./cache/flow.ts";
export { MemoryStore } from "./cache/memory-store.ts";
export type { BodyReader, Store } from "./cache/store.ts";
export type {
  BodyOut,
  BodySource,
  ClientEvents,
  ClientOptions,
  Fault,
  IncomingHead,
  OutgoingRequest,
  ResponseSink,
} from "./client-connection.ts";
export { ClientConnection, ExchangeError } from "./client-connection.ts";
export type { Validators } from "./conditions.ts";
export { precondition, rangeStillHolds, strongMatch, weakMatch } from "./conditions.ts";
export { httpDate, parseHttpDate } from "./date.ts";
export { Exchange } from "./exchange.ts";
export type { FetcherOptions, FetchRequest, FetchSink, Looked } from "./fetch/fetcher.ts";
export { Fetcher } from "./fetch/fetcher.ts";
export type { Strategy } from "./fetch/strategy.ts";
export { nameOf, roundTrips } from "./fetch/strategy.ts";
export { allOf, endToEnd, field, joinedField, listMembers, withField, without } from "./fields.ts";
export type { BodySink, RequestHead, ResponseHead } from "./head.ts";
export { isBodiless, isIdempotent, isSafe } from "./head.ts";
export { Files } from "./origin/files.ts";
export { byHost } from "./origin/vhosts.ts";
export type { Proxied, ProxyOptions } from "./proxy/proxy.ts";
export { HttpProxy } from "./proxy/proxy.ts";
export type { ByteRange } from "./ranges.ts";
export { contentRange, parseContentRange, parseRanges } from "./ranges.ts";
export { HttpServer } from "./server.ts";
export type { RequestHandler, ServerEvents, ServerLimits } from "./server-connection.ts";
export { Refusal, SERVER_LIMITS, ServerConnection, upgradeOf } from "./server-connection.ts";

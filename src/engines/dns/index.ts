/** DNS as engines: client, resolver and authority, each on a `Host`. */

export { Authority } from "./authority.ts";
export type { Answered, ExchangeOptions, ExchangeResult, Unanswered } from "./client/exchange.ts";
export { Exchange } from "./client/exchange.ts";
export type { QueryOptions } from "./client/query.ts";
export { clientQuery } from "./client/query.ts";
export type { ResolvConf } from "./client/resolv-conf.ts";
export { parseResolvConf } from "./client/resolv-conf.ts";
export type { StubOptions, StubResult } from "./client/stub.ts";
export { Stub } from "./client/stub.ts";
export type { DnsClient, DnsService, ListenAddress, Reply } from "./listener.ts";
export { DnsListener } from "./listener.ts";
export type { EdgeCondition, EdgeReport } from "./nearest/edge-state.ts";
export type { Explained, Tailor } from "./nearest/nearest.ts";
export { Nearest } from "./nearest/nearest.ts";
export type { Network } from "./nearest/network.ts";
export { networkOf } from "./nearest/network.ts";
export type { Edge, EdgeCheck, NearestPlan } from "./nearest/plan.ts";
export { PlanError, readPlan } from "./nearest/plan.ts";
export { EdgeProber } from "./nearest/prober.ts";
export type { RecursorOptions } from "./recursor.ts";
export { Recursor } from "./recursor.ts";
export type { ResolverOptions } from "./resolver/options.ts";
export type { TraceEvent } from "./resolver/trace.ts";
export type { SignOptions } from "./sign.ts";
export { signingKey, signZone } from "./sign.ts";
export { Zone, ZoneError } from "./zone.ts";

/** What the first process of `--workers` and its workers tell each other. */
import type { ZonePast } from "../../engines/dns/authority.ts";
import type { EdgeSnapshot } from "../../engines/dns/nearest/nearest.ts";

export type ToWorker =
  | {
      readonly kind: "start";
      /** In the order of the addresses that are listened at. */
      readonly ports: readonly number[];
      /** Hex: a cookie of one worker must be good for the others (RFC 9018 5). */
      readonly cookieSecret: string;
      /** One that takes another's place answers IXFR as the others do (RFC 1995). */
      readonly pasts: readonly ZonePast[];
      readonly edges: readonly EdgeSnapshot[];
    }
  | {
      readonly kind: "reload";
      /** Files, as on the command line, that could be loaded. */
      readonly files: readonly string[];
      readonly edges: readonly EdgeSnapshot[];
    }
  | { readonly kind: "edges"; readonly edges: readonly EdgeSnapshot[] }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly message: string; readonly exitCode: number };

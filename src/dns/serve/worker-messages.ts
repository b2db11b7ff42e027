/** What the first process of `--workers` and its workers tell each other. */
import type { EdgeSnapshot } from "../../engines/dns/nearest/nearest.ts";

export type ToWorker =
  | {
      readonly kind: "start";
      /** In the order of the addresses that are listened at. */
      readonly ports: readonly number[];
      /** Hex: a cookie of one worker must be good for the others (RFC 9018 5). */
      readonly cookieSecret: string;
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

/** What a resolution tells about its steps, for `--trace` and for tests. */
import type { ServerAddress } from "./options.ts";

export type Verdict =
  | "answer"
  | "alias"
  | "nodata"
  | "nxdomain"
  | "referral"
  | "lame"
  | "upward-referral"
  | "recursive-only"
  | "truncated"
  | "refused"
  | "error"
  | "no-edns"
  | "empty"
  | "timeout"
  | "unreachable"
  | "mismatch"
  | "malformed"
  | "case-mismatch";

export type TraceEvent =
  | {
      readonly kind: "query";
      readonly server: ServerAddress;
      /** The zone as whose server it is asked. */
      readonly zone: string;
      readonly name: string;
      readonly type: number;
      readonly tcp: boolean;
      readonly minimised: boolean;
    }
  | {
      readonly kind: "reply";
      readonly server: ServerAddress;
      readonly zone: string;
      readonly name: string;
      readonly type: number;
      readonly verdict: Verdict;
      readonly rcode: number | undefined;
      readonly rttMs: number | undefined;
      /** Where a referral leads. */
      readonly to?: string;
      /** Addresses that came with it. */
      readonly glue?: number;
      /** Records dropped as out of bailiwick, or not asked for. */
      readonly dropped?: number;
    }
  | {
      readonly kind: "cache";
      readonly name: string;
      readonly type: number;
      readonly stale: boolean;
    }
  | { readonly kind: "synthesised"; readonly name: string; readonly type: number }
  | { readonly kind: "alias"; readonly from: string; readonly to: string }
  | {
      readonly kind: "target";
      /** A server's name whose addresses are looked up. */
      readonly name: string;
      readonly zone: string;
    }
  | {
      readonly kind: "security";
      readonly name: string;
      readonly type: number;
      readonly state: Security;
      readonly reason?: string;
    }
  | { readonly kind: "limit"; readonly what: string };

export type Security = "unchecked" | "indeterminate" | "insecure" | "secure" | "bogus";

export type Tracer = (event: TraceEvent) => void;

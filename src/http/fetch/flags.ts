/** Flags of `http fetch`, by subject. */
import type { InferredFlags } from "@oclif/core/interfaces";
import { authFlags } from "./flags/auth.ts";
import { bodyFlags } from "./flags/body.ts";
import { connectionFlags } from "./flags/connection.ts";
import { outputFlags } from "./flags/output.ts";
import { proxyFlags } from "./flags/proxy.ts";
import { requestFlags } from "./flags/request.ts";
import { strategyFlags } from "./flags/strategy.ts";

export const fetchFlags = {
  ...strategyFlags,
  ...requestFlags,
  ...bodyFlags,
  ...authFlags,
  ...outputFlags,
  ...connectionFlags,
  ...proxyFlags,
} as const;

/** What the parser makes of them. */
export type FetchFlags = InferredFlags<typeof fetchFlags>;

/** Tests of HTTP caches as data, in the form of the public suite http-tests/cache-tests. */
import { readFileSync } from "node:fs";

export type HeaderSpec = readonly [name: string, value: string | number, saved?: boolean];
export type ExpectedHeader =
  | string
  | readonly [string, string | number]
  | readonly [string, string, string | number];

export interface RequestSpec {
  readonly setup?: boolean;
  readonly setup_tests?: readonly string[];
  readonly pause_after?: boolean;
  readonly expected_type?: "cached" | "not_cached" | "etag_validated" | "lm_validated";
  readonly expected_status?: number | null;
  readonly expected_method?: string;
  readonly expected_response_text?: string | null;
  readonly expected_request_headers?: readonly (string | readonly [string, string])[];
  readonly expected_request_headers_missing?: readonly (string | readonly [string, string])[];
  readonly expected_response_headers?: readonly ExpectedHeader[];
  readonly expected_response_headers_missing?: readonly (string | readonly [string, string])[];
  readonly interim_responses?: readonly (readonly [number, (readonly [string, string][])?])[];
  readonly expected_interim_responses?: readonly (readonly [
    number,
    (readonly [string, string][])?,
  ])[];
  readonly request_method?: string;
  readonly request_headers?: readonly HeaderSpec[];
  readonly request_body?: string;
  readonly response_status?: readonly [number, string];
  readonly response_headers?: readonly HeaderSpec[];
  readonly response_body?: string | null;
  readonly response_pause?: number;
  readonly disconnect?: boolean;
  readonly check_body?: boolean;
  readonly cache?: string;
  readonly filename?: string;
  readonly query_arg?: string;
  readonly magic_locations?: boolean;
  readonly magic_ims?: boolean;
  readonly rfc850date?: readonly string[];
}

export interface TestSpec {
  readonly id: string;
  readonly name: string;
  readonly kind?: "required" | "optimal" | "check";
  readonly depends_on?: readonly string[];
  readonly browser_only?: boolean;
  readonly browser_skip?: boolean;
  readonly cdn_only?: boolean;
  readonly requests: readonly RequestSpec[];
}

export interface SuiteSpec {
  readonly id: string;
  readonly tests: readonly TestSpec[];
}

export function readSuites(path: string): SuiteSpec[] {
  return JSON.parse(readFileSync(path, "utf8")) as SuiteSpec[];
}

const DATES = new Set([
  "date",
  "expires",
  "last-modified",
  "if-modified-since",
  "if-unmodified-since",
]);
const LOCATIONS = new Set(["location", "content-location"]);
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** A date given as seconds from `nowMs`, and a location given as a name below `base`, as the text that is sent. */
export function sentValue(
  name: string,
  value: string | number,
  spec: RequestSpec,
  nowMs: number,
  base: string,
): string {
  const lower = name.toLowerCase();
  if (DATES.has(lower) && typeof value === "number") {
    const date = new Date(nowMs + value * 1000);
    const text = date.toUTCString();
    if (spec.rfc850date?.includes(lower) !== true) return text;
    const [, day = "", month = "", year = "", time = ""] = text.split(" ");
    return `${DAYS[date.getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${time} GMT`;
  }
  if (LOCATIONS.has(lower) && spec.magic_locations === true) {
    return value === "" ? base : `${base}/${value}`;
  }
  return String(value);
}

/** Runs test descriptions against a cache, and judges what came back as the public suite does. */
import type { Field } from "../../../src/codecs/http/message.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { joinedField } from "../../../src/engines/http/fields.ts";
import type { Io } from "../../../src/net/task.ts";
import type { RequestSpec, SuiteSpec, TestSpec } from "./description.ts";
import { sentValue } from "./description.ts";
import type { TestOrigin } from "./origin.ts";

export interface ClientRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: string | undefined;
}

export interface ClientResponse {
  readonly statusCode: number;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly informed: readonly { readonly statusCode: number; readonly fields: readonly Field[] }[];
}

/** Rejects when no response came. */
export type Send = (request: ClientRequest) => Promise<ClientResponse>;

export type Verdict = "pass" | "fail" | "setup" | "dependency";

export interface Judged {
  readonly test: TestSpec;
  readonly verdict: Verdict;
  readonly why: string;
}

export interface RunOptions {
  readonly io: Io;
  readonly origin: TestOrigin;
  readonly send: Send;
  /** The cache is a client's own: its tests, and no words that keep it out of the way. */
  readonly browser: boolean;
}

const PAUSE = 3 * SECOND;
const NO_BODY = new Set([204, 304]);

class Failed extends Error {
  readonly setup: boolean;

  constructor(setup: boolean, message: string) {
    super(message);
    this.setup = setup;
  }
}

function assert(setup: boolean, holds: boolean, message: string): void {
  if (!holds) throw new Failed(setup, message);
}

export async function runSuites(
  suites: readonly SuiteSpec[],
  options: RunOptions,
): Promise<Judged[]> {
  const tests = suites
    .flatMap((suite) => suite.tests)
    .filter((test) =>
      options.browser
        ? test.browser_skip !== true && test.cdn_only !== true
        : test.browser_only !== true,
    );
  const results = new Map<string, Failed | undefined>();
  await Promise.all(
    tests.map(async (test, i) => {
      results.set(test.id, await runTest(test, `token-${i}-${test.id}`, options));
    }),
  );
  const byId = new Map(suites.flatMap((suite) => suite.tests).map((test) => [test.id, test]));
  const judge = (test: TestSpec): Judged => {
    const failed = results.get(test.id);
    if (!results.has(test.id)) return { test, verdict: "dependency", why: "not run" };
    for (const id of test.depends_on ?? []) {
      const other = byId.get(id);
      // What another suite holds, and is not at hand, is not held against the cache.
      if (other !== undefined && judge(other).verdict !== "pass") {
        return { test, verdict: "dependency", why: `${id} does not pass` };
      }
    }
    if (failed === undefined) return { test, verdict: "pass", why: "" };
    return { test, verdict: failed.setup ? "setup" : "fail", why: failed.message };
  };
  return tests.map(judge);
}

async function runTest(
  test: TestSpec,
  token: string,
  options: RunOptions,
): Promise<Failed | undefined> {
  const { origin, io, send } = options;
  origin.add(token, test);
  const responses: ClientResponse[] = [];
  try {
    for (const [i, spec] of test.requests.entries()) {
      const request = requestOf(test, token, i, spec, responses[i - 1], options.browser);
      const response = await send(request);
      responses.push(response);
      checkResponse(spec, i + 1, response, token);
      if (spec.pause_after === true) await io.sleep(PAUSE);
    }
    checkRequests(test, responses, origin.seen.get(token) ?? []);
    return undefined;
  } catch (error) {
    if (error instanceof Failed) return error;
    return new Failed(false, `no response: ${(error as Error).message}`);
  }
}

function requestOf(
  test: TestSpec,
  token: string,
  index: number,
  spec: RequestSpec,
  previous: ClientResponse | undefined,
  browser: boolean,
): ClientRequest {
  const joined = new Map<string, Field>();
  const add = (name: string, value: string) => {
    const key = name.toLowerCase();
    const before = joined.get(key);
    joined.set(key, { name, value: before === undefined ? value : `${before.value}, ${value}` });
  };
  if (!browser) {
    add("Pragma", "foo");
    add("Cache-Control", "nothing-to-see-here");
  } else if (spec.cache === "no-cache") add("Cache-Control", "max-age=0");
  const nowMs = Number(joinedField(previous?.fields ?? [], "server-now"));
  for (const [name, value] of spec.request_headers ?? []) {
    const magic = spec.magic_ims === true && name.toLowerCase() === "if-modified-since";
    add(name, magic ? sentValue(name, value, spec, nowMs, "") : String(value));
  }
  add("Test-ID", test.id);
  add("Req-Num", String(index + 1));
  for (const [name, value] of [
    ["Accept", "*/*"],
    ["Accept-Language", "*"],
    ["Accept-Encoding", "gzip, deflate"],
    ["User-Agent", "cache-tests"],
  ] as const) {
    if (!joined.has(name.toLowerCase())) add(name, value);
  }
  const file = spec.filename === undefined ? "" : `/${spec.filename}`;
  const query = spec.query_arg === undefined ? "" : `?${spec.query_arg}`;
  return {
    method: spec.request_method ?? "GET",
    target: `/test/${token}${file}${query}`,
    fields: [...joined.values()],
    body: spec.request_body,
  };
}

function isSetup(spec: RequestSpec, member: string): boolean {
  return spec.setup === true || spec.setup_tests?.includes(member) === true;
}

function checkResponse(
  spec: RequestSpec,
  number: number,
  response: ClientResponse,
  token: string,
): void {
  const get = (name: string) => joinedField(response.fields, name.toLowerCase());
  const count = Number.parseInt(get("server-request-count") ?? "", 10);
  const numbers = get("request-numbers")?.split(" ") ?? [];
  assert(true, numbers.length === new Set(numbers).size, "retry");
  const typeSetup = isSetup(spec, "expected_type");
  if (spec.expected_type === "cached" && !(response.statusCode === 304 && Number.isNaN(count))) {
    assert(typeSetup, count < number, `response ${number} does not come from the cache`);
  }
  if (spec.expected_type === "not_cached") {
    assert(typeSetup, count === number, `response ${number} comes from the cache`);
  }
  checkStatus(spec, number, response);
  for (const expected of spec.expected_response_headers ?? []) {
    checkHeader(spec, number, response, expected);
  }
  for (const missing of spec.expected_response_headers_missing ?? []) {
    const setup = isSetup(spec, "expected_response_headers_missing");
    const name = typeof missing === "string" ? missing : missing[0];
    const value = get(name);
    const there =
      typeof missing === "string" ? value !== undefined : value?.includes(missing[1]) === true;
    assert(setup, !there, `response ${number} has ${name}: ${value}`);
  }
  checkInterim(spec, response);
  checkBody(spec, number, response, token);
}

function checkStatus(spec: RequestSpec, number: number, { statusCode }: ClientResponse): void {
  const text = `status of response ${number} is ${statusCode}`;
  if (spec.expected_status !== undefined) {
    const fits = spec.expected_status === null || statusCode === spec.expected_status;
    assert(isSetup(spec, "expected_status"), fits, text);
  } else if (spec.response_status !== undefined) {
    assert(true, statusCode === spec.response_status[0], text);
  } else if (statusCode === 999) {
    assert(isSetup(spec, "expected_type"), false, `request ${number} was not conditional`);
  } else assert(true, statusCode === 200, text);
}

function checkHeader(
  spec: RequestSpec,
  number: number,
  { fields }: ClientResponse,
  expected: NonNullable<RequestSpec["expected_response_headers"]>[number],
): void {
  const setup = isSetup(spec, "expected_response_headers");
  const name = typeof expected === "string" ? expected : expected[0];
  const value = joinedField(fields, name.toLowerCase());
  if (typeof expected === "string") {
    assert(setup, value !== undefined, `response ${number} has no ${name}`);
    return;
  }
  if (expected.length === 3) {
    const [, operator, other] = expected;
    assert(setup, value !== undefined, `response ${number} has no ${name}`);
    const holds =
      operator === ">"
        ? Number.parseInt(value ?? "", 10) > Number(other)
        : value === joinedField(fields, String(other).toLowerCase());
    assert(setup, holds, `response ${number}: ${name} is ${value}, not ${operator} ${other}`);
    return;
  }
  const nowMs = Number(joinedField(fields, "server-now"));
  const base = joinedField(fields, "server-base-url") ?? "";
  const text = sentValue(name, expected[1], spec, nowMs, base);
  assert(setup, value === text, `response ${number}: ${name} is ${value}, not ${text}`);
}

function checkInterim(spec: RequestSpec, { informed }: ClientResponse): void {
  const setup = isSetup(spec, "expected_interim_responses");
  for (const [i, [statusCode, fields = []]] of (spec.expected_interim_responses ?? []).entries()) {
    const got = informed[i];
    assert(setup, got?.statusCode === statusCode, `interim response ${i + 1} did not come`);
    for (const [name, value] of fields) {
      const told = joinedField(got?.fields ?? [], name.toLowerCase());
      assert(setup, told === value, `interim response: ${name} is ${told}`);
    }
  }
}

function checkBody(
  spec: RequestSpec,
  number: number,
  response: ClientResponse,
  token: string,
): void {
  if (spec.check_body === false) return;
  const { body } = response;
  const wrong = `body of response ${number} is ${JSON.stringify(body.slice(0, 60))}`;
  if (spec.expected_response_text !== undefined) {
    if (spec.expected_response_text !== null) {
      assert(isSetup(spec, "expected_response_text"), body === spec.expected_response_text, wrong);
    }
  } else if (spec.response_body !== undefined && spec.response_body !== null) {
    assert(true, body === spec.response_body, wrong);
  } else if (!NO_BODY.has(response.statusCode) && spec.request_method !== "HEAD") {
    assert(true, body === token, wrong);
  }
}

function checkRequests(
  test: TestSpec,
  responses: readonly ClientResponse[],
  seen: NonNullable<ReturnType<TestOrigin["seen"]["get"]>>,
): void {
  let at = 0;
  for (const [i, spec] of test.requests.entries()) {
    const number = i + 1;
    if (spec.expected_type === "cached") continue;
    const typeSetup = isSetup(spec, "expected_type");
    const request = seen[at++];
    const has = (name: string) => joinedField(request?.fields ?? [], name.toLowerCase());
    if (spec.expected_type === "not_cached") {
      assert(typeSetup, request?.number === number, `response ${number} comes from the cache`);
    }
    for (const [type, name] of [
      ["etag_validated", "if-none-match"],
      ["lm_validated", "if-modified-since"],
    ] as const) {
      if (spec.expected_type !== type) continue;
      assert(typeSetup, request !== undefined, `request ${number} was not sent`);
      assert(typeSetup, has(name) !== undefined, `request ${number} has no ${name}`);
    }
    const presentSetup = isSetup(spec, "expected_request_headers");
    for (const expected of spec.expected_request_headers ?? []) {
      const name = typeof expected === "string" ? expected : expected[0];
      const fits =
        typeof expected === "string" ? has(name) !== undefined : has(name) === expected[1];
      assert(presentSetup, fits, `request ${number}: ${name} is ${has(name)}`);
    }
    const missingSetup = isSetup(spec, "expected_request_headers_missing");
    for (const missing of spec.expected_request_headers_missing ?? []) {
      const name = typeof missing === "string" ? missing : missing[0];
      const there =
        typeof missing === "string" ? has(name) !== undefined : has(name) === missing[1];
      assert(missingSetup, !there, `request ${number}: ${name} is ${has(name)}`);
    }
    for (const [name, value] of request?.sent ?? []) {
      if (name.toLowerCase() === "date") continue;
      const got = joinedField(responses[i]?.fields ?? [], name.toLowerCase());
      assert(true, got === value, `response ${number}: ${name} is ${got}, not ${value}`);
    }
    if (spec.expected_method !== undefined) {
      const setup = isSetup(spec, "expected_method");
      assert(
        setup,
        request?.method === spec.expected_method,
        `request ${number} was ${request?.method}`,
      );
    }
  }
}

export interface Score {
  readonly required: readonly [passed: number, of: number];
  readonly optimal: readonly [passed: number, of: number];
  readonly check: readonly [passed: number, of: number];
}

export function scoreOf(judged: readonly Judged[]): Score {
  const count = (kind: string): [number, number] => {
    const all = judged.filter(({ test }) => (test.kind ?? "required") === kind);
    return [all.filter(({ verdict }) => verdict === "pass").length, all.length];
  };
  return { required: count("required"), optimal: count("optimal"), check: count("check") };
}

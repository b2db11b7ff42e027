import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Field } from "../../../../src/codecs/http/message.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { Credentials } from "../../../../src/engines/http/auth/credentials.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import type { AgentOptions } from "../../../../src/engines/http/fetch/agent.ts";
import { Agent } from "../../../../src/engines/http/fetch/agent.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import { bytesOf, httpWorld, SERVER, textOf } from "../world.ts";

interface Got {
  status: number | undefined;
  body: string;
  error: string | undefined;
  hops: string[];
  at: number;
}

function visit(
  handler: (exchange: Exchange) => void,
  options: AgentOptions | ((world: ReturnType<typeof httpWorld>) => AgentOptions),
  request: {
    method?: string;
    target?: string;
    fields?: Field[];
    body?: Uint8Array;
    continueTime?: number;
  } = {},
  times = 1,
): Got[] {
  const made = httpWorld(handler);
  const fetcher = new Fetcher(made.client, {
    strategy: { connections: 1, keep: true, depth: 1 },
    lookup: (_name, done) => done(null, { addresses: [SERVER.addr] }),
  });
  const agent = new Agent(fetcher, typeof options === "function" ? options(made) : options);
  const all: Got[] = [];
  for (let i = 0; i < times; i++) {
    const got: Got = { status: undefined, body: "", error: undefined, hops: [], at: 0 };
    all.push(got);
    agent.fetch(
      {
        method: request.method ?? "GET",
        origin: { scheme: "http", host: "a.test", port: 80 },
        target: request.target ?? "/",
        fields: [{ name: "Host", value: "a.test" }, ...(request.fields ?? [])],
        body: request.body,
        continueTime: request.continueTime,
      },
      {
        hop: ({ head, why }) => got.hops.push(`${head.statusCode} ${why}`),
        head: (head) => {
          got.status = head.statusCode;
          got.body = "";
        },
        data: (bytes) => {
          got.body += textOf(bytes);
        },
        end: (_trailers, timing) => {
          got.at = Math.round((timing.end ?? 0) / MILLISECOND);
        },
        failed: (why) => {
          got.error = `${why.fault}: ${why.message}`;
        },
      },
    );
    made.world.run(made.world.now + 60 * SECOND);
  }
  return all;
}

/** Answers with what it was asked: method, Host, target, body, and the fields of interest. */
function mirror(exchange: Exchange, moved: Record<string, [number, string]>): void {
  const { method, target } = exchange.request;
  exchange.readAll(1000, (body) => {
    const to = moved[target];
    if (to !== undefined) {
      const fields = [{ name: "Location", value: to[1] }];
      exchange.respond({ statusCode: to[0], fields }, bytesOf("elsewhere"));
      return;
    }
    const seen = ["host", "authorization", "cookie", "content-type", "x-own"]
      .map((name) => exchange.field(name) ?? "-")
      .join(" ");
    exchange.respond(
      { statusCode: 200, fields: [] },
      bytesOf(`${method} ${target} ${seen} [${textOf(body ?? new Uint8Array())}]`),
    );
  });
}

describe("redirects", () => {
  const post = {
    method: "POST",
    target: "/from",
    fields: [{ name: "Content-Type", value: "t/x" }],
    body: bytesOf("abc"),
  };
  it.each([
    [301, "GET /to a.test - - - - []"],
    [302, "GET /to a.test - - - - []"],
    [303, "GET /to a.test - - - - []"],
    [307, "POST /to a.test - - t/x - [abc]"],
    [308, "POST /to a.test - - t/x - [abc]"],
  ])("RFC 9110 15.4: what becomes of a POST at %i", (status, body) => {
    const [got] = visit(
      (exchange) => mirror(exchange, { "/from": [status, "/to"] }),
      { follow: true },
      post,
    );
    expect([got?.status, got?.body, got?.hops]).toEqual([200, body, [`${status} redirect`]]);
  });

  it("RFC 9110 15.4.4: at 303 HEAD stays HEAD, and PUT becomes GET", () => {
    const to = (exchange: Exchange) => mirror(exchange, { "/from": [303, "to?x"] });
    const [put] = visit(to, { follow: true }, { ...post, method: "PUT" });
    expect(put?.body).toMatch(/^GET \/to\?x /);
    const [head] = visit(to, { follow: true }, { method: "HEAD", target: "/from" });
    expect([head?.status, head?.body]).toEqual([200, ""]);
  });

  it("RFC 9110 15.4: credentials and cookies of the user stay with the first origin", () => {
    const fields = [
      { name: "Authorization", value: "Bearer s" },
      { name: "Cookie", value: "c=1" },
      { name: "X-Own", value: "kept" },
    ];
    const moved = (to: string) => (exchange: Exchange) => mirror(exchange, { "/from": [302, to] });
    const ask = { target: "/from", fields };
    expect(visit(moved("http://b.test/to"), { follow: true }, ask)[0]?.body).toBe(
      "GET /to b.test - - - kept []",
    );
    expect(visit(moved("//a.test:80/to"), { follow: true }, ask)[0]?.body).toBe(
      "GET /to a.test Bearer s c=1 - kept []",
    );
    const trusted = { follow: true, trusted: true };
    expect(visit(moved("http://b.test/to"), trusted, ask)[0]?.body).toBe(
      "GET /to b.test Bearer s c=1 - kept []",
    );
  });

  it("not followed, a redirect is the response, with its body", () => {
    const [got] = visit((exchange) => mirror(exchange, { "/": [302, "/to"] }), {});
    expect([got?.status, got?.body]).toEqual([302, "elsewhere"]);
  });

  it("RFC 9110 15.4: a cycle ends, and other schemes are not followed", () => {
    const cycle = visit((exchange) => mirror(exchange, { "/": [302, "/"] }), {
      follow: true,
      maxRedirects: 3,
    });
    expect(cycle[0]?.error).toBe(
      "redirect: redirected more than 3 times, at last to http://a.test/",
    );
    const [file] = visit((exchange) => mirror(exchange, { "/": [302, "file:///etc/passwd"] }), {
      follow: true,
    });
    expect(file?.error).toBe(
      "redirect: redirected to file:///etc/passwd, which is not http or https",
    );
  });
});

const SECRET = { kind: "password", user: "u", password: "p" } as const;
const withSecret = (digestOnly: boolean) => (made: ReturnType<typeof httpWorld>) => ({
  credentials: new Credentials(
    { secretFor: ({ host }) => (host === "a.test" ? SECRET : undefined), digestOnly },
    made.client.random,
  ),
});

/** A server of Digest that takes each nonce `uses` times. */
function digestServer(uses: number) {
  const log: string[] = [];
  let nonce = 0;
  let used = 0;
  const handler = (exchange: Exchange) =>
    exchange.readAll(1000, (body) => {
      const { method, target } = exchange.request;
      const sent = exchange.field("authorization") ?? "";
      const get = (name: string) => new RegExp(`\\b${name}="?([^",]*)`).exec(sent)?.[1] ?? "";
      const md5 = (text: string) => createHash("md5").update(text).digest("hex");
      const ha1 = md5("u:r:p");
      const wanted = md5(
        `${ha1}:${get("nonce")}:${get("nc")}:${get("cnonce")}:auth:${md5(`${method}:${target}`)}`,
      );
      const right = get("response") === wanted;
      log.push(`${sent.split(" ")[0] || "none"} ${get("nonce")} ${get("nc")} ${body?.length}`);
      if (right && get("nonce") === `n${nonce}` && used++ < uses) {
        exchange.respond({ statusCode: 200, fields: [] }, bytesOf("in"));
        return;
      }
      nonce++;
      used = 0;
      const value = `Digest realm="r", nonce="n${nonce}", qop="auth"${right ? ", stale=true" : ""}`;
      exchange.respond({ statusCode: 401, fields: [{ name: "WWW-Authenticate", value }] });
    });
  return { handler, log };
}

describe("credentials", () => {
  it("RFC 7617: Basic goes out unasked, to its own origin alone", () => {
    const [got] = visit((exchange) => mirror(exchange, {}), withSecret(false));
    expect(got?.body).toContain(" Basic dTpw ");
    const moved = (exchange: Exchange) => mirror(exchange, { "/from": [302, "http://b.test/"] });
    const following = (made: ReturnType<typeof httpWorld>) => ({
      ...withSecret(false)(made),
      follow: true,
    });
    const [other] = visit(moved, following, { target: "/from" });
    expect(other?.body).toContain("b.test - ");
  });

  it("RFC 7616 3.3: one challenge, then the nonce counts up; a stale one is replaced", () => {
    const { handler, log } = digestServer(2);
    const got = visit(handler, withSecret(true), {}, 3);
    expect(got.map(({ status, hops }) => [status, hops])).toEqual([
      [200, ["401 challenge"]],
      [200, []],
      [200, ["401 challenge"]],
    ]);
    expect(log).toEqual([
      "none   0",
      "Digest n1 00000001 0",
      "Digest n1 00000002 0",
      "Digest n1 00000003 0",
      "Digest n2 00000001 0",
    ]);
  });

  it("RFC 7616 3.3: a wrong password is tried once", () => {
    const { handler } = digestServer(0);
    const wrong = (exchange: Exchange) => {
      if (exchange.request.target === "/never") handler(exchange);
      const fields = [{ name: "WWW-Authenticate", value: 'Digest realm="r", nonce="n", qop=auth' }];
      exchange.respond({ statusCode: 401, fields });
    };
    const [got] = visit(wrong, withSecret(true));
    expect([got?.status, got?.hops]).toEqual([401, ["401 challenge"]]);
  });

  it("a body waits for the challenge to Digest", () => {
    const { handler, log } = digestServer(5);
    visit(handler, withSecret(true), { method: "PUT", body: bytesOf("12345") });
    expect(log.map((line) => line.split(" ").at(-1))).toEqual(["0", "5"]);
  });
});

describe("expectations", () => {
  it("RFC 9110 10.1.1: a server that does not know 100-continue is asked without it", () => {
    const seen: (string | undefined)[] = [];
    const [got] = visit(
      (exchange) => {
        const expectation = exchange.field("expect");
        seen.push(expectation);
        if (expectation !== undefined) exchange.respond({ statusCode: 417, fields: [] });
        else
          exchange.readAll(100, (body) => exchange.respond({ statusCode: 200, fields: [] }, body));
      },
      {},
      { method: "PUT", body: bytesOf("abc"), continueTime: SECOND },
    );
    expect([got?.status, got?.body, seen]).toEqual([200, "abc", ["100-continue", undefined]]);
  });
});

describe("retries", () => {
  const failing = (count: number, more: Field[] = []) => {
    let left = count;
    return (exchange: Exchange) =>
      exchange.respond({ statusCode: left-- > 0 ? 503 : 200, fields: more }, bytesOf("x"));
  };
  it("wait one second, then two, as curl does", () => {
    const [got] = visit(failing(2), { retry: { times: 3 } });
    expect([got?.status, got?.hops.length, got?.at]).toEqual([200, 2, 3400]);
  });

  it("RFC 9110 10.2.3: Retry-After counts where it is longer", () => {
    const [got] = visit(failing(1, [{ name: "Retry-After", value: "20" }]), {
      retry: { times: 1 },
    });
    expect([got?.status, got?.at]).toEqual([200, 20_400]);
  });

  it("the last failure is the response, and RFC 9110 9.2.2: POST is not repeated", () => {
    expect(visit(failing(9), { retry: { times: 2 } })[0]?.status).toBe(503);
    const [post] = visit(failing(1), { retry: { times: 2 } }, { method: "POST" });
    expect([post?.status, post?.hops]).toEqual([503, []]);
  });

  it("RFC 9110 13.1.5: a body with a strong entity tag goes on where it was cut", () => {
    const asked: (string | undefined)[] = [];
    const whole = "0123456789";
    const cutting = (etags: string[]) => (exchange: Exchange) => {
      const etag = etags.shift() as string;
      const range = exchange.field("range");
      const holds = range !== undefined && exchange.field("if-range") === etag;
      const from = holds ? Number(/[0-9]+/.exec(range)?.[0]) : 0;
      asked.push(range);
      const fields = [
        { name: "ETag", value: etag },
        { name: "Content-Length", value: String(10 - from) },
        ...(holds ? [{ name: "Content-Range", value: `bytes ${from}-9/10` }] : []),
      ];
      exchange.start({ statusCode: holds ? 206 : 200, fields });
      const last = etags.length === 0;
      exchange.write(bytesOf(whole.slice(from, last ? 10 : from + 4)));
      if (last) exchange.end();
      else
        exchange.host.clock.timer(() => exchange.abort()).armAt(exchange.host.clock.now() + SECOND);
    };
    const [same] = visit(cutting(['"a"', '"a"', '"a"']), { retry: { times: 5 } });
    expect([same?.body, same?.error, asked.splice(0)]).toEqual([
      whole,
      undefined,
      [undefined, "bytes=4-", "bytes=8-"],
    ]);
    // It changed: what came before counts no more.
    const [changed] = visit(cutting(['"a"', '"b"']), { retry: { times: 5 } });
    expect([changed?.body, asked.splice(0)]).toEqual([whole, [undefined, "bytes=4-"]]);
    const [weak] = visit(cutting(['W/"a"', 'W/"a"']), { retry: { times: 5 } });
    expect([weak?.body, asked]).toEqual([whole, [undefined, undefined]]);
  });

  it.each([
    [
      "RFC 9110 15.3.7: a part of the rest is not the rest",
      (from: number) => `bytes ${from}-${from}/10`,
    ],
    ["RFC 9110 14.4: another part is not the rest", () => "bytes 0-0/10"],
  ])("%s, however the response ends", (_, told) => {
    const [got] = visit(
      (exchange) => {
        const from = Number(/[0-9]+/.exec(exchange.field("range") ?? "0")?.[0]);
        const fields = [{ name: "ETag", value: '"a"' }];
        if (exchange.field("range") !== undefined) {
          fields.push({ name: "Content-Range", value: told(from) });
          exchange.respond({ statusCode: 206, fields }, bytesOf("x"));
          return;
        }
        exchange.start({
          statusCode: 200,
          fields: [...fields, { name: "Content-Length", value: "10" }],
        });
        exchange.write(bytesOf("012"));
        exchange.host.clock.timer(() => exchange.abort()).armAt(SECOND);
      },
      { retry: { times: 2 } },
    );
    expect(got?.error).toMatch(/less than the rest|sent others/);
  });

  it("a connection that breaks off in a body is tried again, and the body begins anew", () => {
    let left = 1;
    const [got] = visit(
      (exchange) => {
        exchange.start({ statusCode: 200, fields: [{ name: "Content-Length", value: "8" }] });
        exchange.write(bytesOf("half"));
        if (left-- > 0) exchange.host.clock.timer(() => exchange.abort()).armAt(SECOND);
        else {
          exchange.write(bytesOf("full"));
          exchange.end();
        }
      },
      { retry: { times: 1 } },
    );
    expect([got?.status, got?.body, got?.error]).toEqual([200, "halffull", undefined]);
  });
});

import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { bytesOf, clientOf, httpWorld, raw, textOf } from "./world.ts";

const OK = { statusCode: 200, fields: [] };
const echo = (exchange: Exchange) => exchange.respond(OK, bytesOf(exchange.request.target));

/** Takes `?ms` to answer. */
function slow(exchange: Exchange): void {
  const ms = Number(exchange.request.target.split("?")[1] ?? 0);
  const timer = exchange.host.clock.timer(() => echo(exchange));
  timer.armAt(exchange.host.clock.now() + ms * MILLISECOND);
}

describe("a client and a server of HTTP/1.1", () => {
  it("a request takes two round trips, the next on the same connection one", () => {
    const { world } = httpWorld(echo);
    const { send } = clientOf(world);
    const first = send("GET", "/1");
    world.run(300 * MILLISECOND);
    const second = send("GET", "/2");
    world.run(600 * MILLISECOND);
    expect([first.at, first.body, second.at - 300, second.body]).toEqual([200, "/1", 100, "/2"]);
  });

  it("RFC 9112 9.3.2: pipelined responses come in the order of the requests, however they are finished", () => {
    const { world } = httpWorld(slow);
    const { send } = clientOf(world);
    const answers = [send("GET", "/a?90"), send("GET", "/b?10"), send("GET", "/c?0")];
    world.run(SECOND);
    expect(answers.map((a) => a.body)).toEqual(["/a?90", "/b?10", "/c?0"]);
    expect(answers.map((a) => a.at)).toEqual([290, 290, 290]);
  });

  it.each([1, 7, 1000])(
    "RFC 9112 9.3.2: what is pipelined around an unsafe request is carried out in turn (pieces of %i)",
    (size) => {
      const begun: string[] = [];
      const { world } = httpWorld((exchange) => {
        const { method, target } = exchange.request;
        exchange.readAll(100, (body) => {
          begun.push(`${method} ${target} ${textOf(body ?? bytesOf("cut"))}`);
          const timer = exchange.host.clock.timer(() => {
            begun.push(`done ${target}`);
            echo(exchange);
          });
          timer.armAt(exchange.host.clock.now() + 90 * MILLISECOND);
        });
      });
      const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const post =
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
      const last =
        "PUT /f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nend";
      const text = [get("/a"), get("/b"), post, get("/d"), get("/e"), last, get("/g")].join("");
      const back = raw(world, text, size);
      world.run(5 * SECOND);
      expect(begun.map((one) => one.trimEnd())).toEqual(
        "GET /a,GET /b,done /a,done /b,POST /c body,done /c,GET /d,GET /e,done /d,done /e,PUT /f end,done /f".split(
          ",",
        ),
      );
      expect(back().match(/(?<=\r\n\r\n)\/./g)).toEqual(["/a", "/b", "/c", "/d", "/e", "/f"]);
      expect(back().endsWith("/f<ended>")).toBe(true);
    },
  );

  it.each([
    ["around an unsafe request", 3, "POST"],
    ["more than are read ahead", 250, "GET"],
  ])("RFC 9112 9.6: what came before the client's end is answered, %s", (_what, many, second) => {
    const { world } = httpWorld(slow);
    const methods = Array.from({ length: many }, (_, i) => (i === 1 ? second : "GET"));
    const text = methods
      .map((method, i) => `${method} /${i}?20 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
      .join("");
    const back = raw(world, text, text.length, true);
    world.run(60 * SECOND);
    expect(back().match(/HTTP\/1.1 200/g)).toHaveLength(many);
    expect(back().endsWith(`/${many - 1}?20<ended>`)).toBe(true);
  });

  it.each([
    "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody",
    "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
  ])("RFC 9112 9.6: the last request's body is read, however it comes (%j)", (text) => {
    for (const size of [1, text.indexOf("body"), text.length]) {
      const { world } = httpWorld((exchange) =>
        exchange.readAll(100, (body) => exchange.respond(OK, body ?? bytesOf("cut"))),
      );
      const back = raw(world, text, size);
      world.run(5 * SECOND);
      expect(back().endsWith("\r\n\r\nbody<ended>")).toBe(true);
    }
  });

  it("RFC 9112 7.1: a body of unknown length comes in chunks, with its trailers", () => {
    const { world } = httpWorld((exchange) => {
      exchange.start({ statusCode: 200, fields: [] });
      exchange.write(bytesOf("hello "));
      exchange.write(bytesOf("world"));
      exchange.end([{ name: "X-End", value: "1" }]);
    });
    const { send } = clientOf(world);
    const answer = send("GET", "/");
    world.run(SECOND);
    expect([answer.body, answer.ended]).toEqual(["hello world", true]);
  });

  it("RFC 9110 9.3.2: HEAD tells the length and sends no body", () => {
    const { world } = httpWorld(echo);
    const { send } = clientOf(world);
    const [head, next] = [send("HEAD", "/four"), send("GET", "/n")];
    world.run(SECOND);
    expect([head.body, head.head?.length, next.body]).toEqual(["", 5, "/n"]);
  });

  it("RFC 9110 10.1.1: a body waits for 100 (Continue), and goes out when none comes", () => {
    const upload = (exchange: Exchange) =>
      exchange.readAll(1000, (body) => exchange.respond(OK, body ?? bytesOf("cut")));
    const { world } = httpWorld(upload);
    const { send } = clientOf(world);
    const more = { body: bytesOf("payload"), continueTime: SECOND };
    const answer = send("POST", "/", more);
    world.run(SECOND);
    expect([answer.informed, answer.body, answer.at]).toEqual([[100], "payload", 300]);
    const refusing = httpWorld((exchange) => exchange.respond({ statusCode: 403, fields: [] }));
    const other = clientOf(refusing.world).send("POST", "/", more);
    refusing.world.run(SECOND);
    expect([other.head?.statusCode, other.ended]).toEqual([403, true]);
  });

  it("RFC 9112 9.6: what is pipelined behind a response that says close is told as unanswered", () => {
    const { world } = httpWorld((exchange) =>
      exchange.respond({ statusCode: 200, fields: [{ name: "Connection", value: "close" }] }),
    );
    const { send } = clientOf(world);
    const [first, second] = [send("GET", "/1"), send("GET", "/2")];
    world.run(SECOND);
    expect([first.ended, second.error]).toEqual([true, { fault: "closed", unanswered: true }]);
  });

  it("RFC 9112 8: a response cut by a reset is no response", () => {
    const { world } = httpWorld((exchange) => {
      exchange.start({ statusCode: 200, fields: [{ name: "Content-Length", value: "10" }] });
      exchange.write(bytesOf("half"));
      const timer = exchange.host.clock.timer(() => exchange.abort());
      timer.armAt(exchange.host.clock.now() + 50 * MILLISECOND);
    });
    const { send } = clientOf(world);
    const answer = send("GET", "/");
    world.run(SECOND);
    expect([answer.body, answer.ended, answer.error?.unanswered]).toEqual(["half", false, false]);
  });

  it("a server that never answers is given up after the time that was set", () => {
    const { world } = httpWorld(() => {});
    const { connection, send } = clientOf(world);
    Object.assign(connection.options, { responseTime: 2 * SECOND });
    const answer = send("GET", "/");
    world.run(4 * SECOND);
    expect(answer.error?.fault).toBe("timeout");
  });
});

describe("requests that a server refuses", () => {
  it.each([
    ["GET / HTTP/1.1\r\n\r\n", 400, "RFC 9112 3.2: no Host"],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "RFC 9112 3.2: two Hosts"],
    ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "RFC 9112 5.1: a blank before the colon"],
    ["GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "RFC 9112 2.3"],
    ["GET / HTTP/1.1\nHost: a\n\n", 400, "RFC 9112 2.2: LF alone"],
    [`GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, "RFC 9112 3"],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(17_000)}\r\n\r\n`, 431, "RFC 6585 5"],
    [`GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(101)}\r\n`, 431, "RFC 6585 5: fields"],
    [
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "RFC 9112 6.1: both framings",
    ],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n", 501, "RFC 9112 6.1"],
    ["GET / HTTP/1.1\r\nHost: a\r\nExpect: 99-red-balloons\r\n\r\n", 417, "RFC 9110 10.1.1"],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "RFC 9112 7.1"],
  ])("%j: %i (%s), and the connection closes", (request, statusCode) => {
    const { world } = httpWorld((exchange) =>
      exchange.readAll(10, (body) => {
        if (body !== undefined) echo(exchange);
      }),
    );
    const back = raw(world, request);
    world.run(60 * SECOND);
    expect(back()).toMatch(new RegExp(`^HTTP/1.1 ${statusCode} `));
    expect(back()).toMatch(/Connection: close\r\n/);
    expect(back()).toMatch(/<ended>$/);
    expect(back().match(/HTTP\/1.1 \d/g)?.length).toBe(1);
  });

  it("a head that does not end within its time is answered with 408", () => {
    const { world } = httpWorld(echo);
    const back = raw(world, "GET / HTTP/1.1\r\nHost: a\r\nX: y");
    world.run(60 * SECOND);
    expect(back()).toMatch(/^HTTP\/1.1 408 .*<ended>$/s);
  });

  it("a bad request behind good ones is answered in its turn", () => {
    const { world, refused } = httpWorld(slow);
    const back = raw(
      world,
      "GET /a?50 HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    world.run(SECOND);
    expect(back().match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
    expect(refused).toEqual([400]);
  });

  it("every split of requests gives the same answers", () => {
    const text =
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyPOST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /c HTTP/1.0\r\n\r\n";
    const echoBody = (exchange: Exchange) =>
      exchange.readAll(100, (body) => exchange.respond(OK, body ?? bytesOf("cut")));
    const results = new Set<string>();
    for (const size of [1, 2, 3, 5, 7, 11, 64, text.length]) {
      const { world } = httpWorld(echoBody);
      const back = raw(world, text, size);
      world.run(SECOND);
      results.add(back());
    }
    expect(results.size).toBe(1);
    expect([...results][0]).toMatch(/body.*abc.*Connection: close.*<ended>$/s);
  });
});

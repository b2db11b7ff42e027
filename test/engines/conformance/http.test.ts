import { describe, expect, it } from "vitest";
import type { Checked } from "../../../src/engines/conformance/http/check.ts";
import { HttpCheck } from "../../../src/engines/conformance/http/check.ts";
import { RULES } from "../../../src/engines/conformance/http/rules.ts";
import type { Host, TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { Files } from "../../../src/engines/http/origin/files.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { World } from "../../../src/net/simulated/world.ts";

const SERVER = { addr: "192.0.2.80", port: 80 };
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

function check(boot: (host: Host) => void, only = ""): Map<string, Checked> {
  const world = new World({ seed: 3, delay: MILLISECOND });
  const server = world.node("server", { addresses: [SERVER.addr] });
  server.disk.load("site/index.html", bytesOf("<h1>hello</h1>"), Date.UTC(2025, 5, 1));
  boot(server);
  world.run(SECOND);
  const results = new Map<string, Checked>();
  const rules = RULES.filter(({ id }) => id.includes(only));
  let done = false;
  new HttpCheck(
    world.node("client", { addresses: ["198.51.100.1"] }),
    SERVER,
    { host: "www.example.com", path: "/" },
    rules,
    (checked) => results.set(checked.rule.id, checked),
    () => {
      done = true;
    },
  ).start();
  world.run(3600 * SECOND);
  expect(done).toBe(true);
  return results;
}

const ours = (host: Host) => {
  const files = new Files(host, { root: "site" });
  new HttpServer((exchange) => files.handle(exchange), { listen: [SERVER] }).start(host);
};

/** A little server that reads naively: heads by their blank line, bodies by the first Content-Length. */
interface Naive {
  /** The answer to one request; undefined: silence. */
  answer(lines: string[], body: string): string | undefined;
  /** Octets of the body behind a head. */
  length?(lines: string[], rest: string): number;
  close?(lines: string[]): boolean;
}

function naive({ answer, length, close }: Naive): (host: Host) => void {
  return (host) => {
    host.listen(
      () => {
        let kept = "";
        return {
          onData: (data, connection: TcpConnection) => {
            kept += Buffer.from(data).toString("latin1");
            for (let end = kept.indexOf("\r\n\r\n"); end >= 0; end = kept.indexOf("\r\n\r\n")) {
              const lines = kept
                .slice(0, end)
                .replace(/^(\r\n)+/, "")
                .split("\r\n");
              const rest = kept.slice(end + 4);
              const told = lines.find((line) => /^content-length:/i.test(line))?.split(":")[1];
              const size = length?.(lines, rest) ?? (Number.parseInt(told ?? "0", 10) || 0);
              if (rest.length < size) return;
              kept = rest.slice(size);
              const text = answer(lines, rest.slice(0, size));
              if (text !== undefined) connection.write(bytesOf(text));
              if (close?.(lines) === true) connection.end();
            }
          },
          onEnd: (connection) => connection.end(),
          onClose: () => {},
        };
      },
      { local: SERVER },
    );
  };
}

const DATE = "Date: Thu, 15 Jan 2026 00:00:00 GMT\r\n";
const ok = (more = "", body = "hello", statusLine = "HTTP/1.1 200 OK") =>
  `${statusLine}\r\n${DATE}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const isHead = (lines: string[]) => lines[0]?.startsWith("HEAD ") === true;
const saysClose = (lines: string[]) => lines.some((line) => /^connection:.*close/i.test(line));

/** Wrong in one way each, and the rule that tells. */
const BROKEN: readonly (readonly [what: string, id: string, server: Naive])[] = [
  ["answers without Host", "rfc9112.3.2-1", { answer: () => ok() }],
  ["answers two Hosts", "rfc9112.3.2-2", { answer: () => ok() }],
  ["takes any text for Host", "rfc9112.3.2-3", { answer: () => ok() }],
  ["passes over blanks before the colon", "rfc9112.5.1-1", { answer: () => ok() }],
  ["reads +3 as a length", "rfc9112.6.3-1", { answer: () => ok() }],
  ["takes the first of two lengths", "rfc9112.6.3-2", { answer: () => ok() }],
  ["takes the length beside chunked", "rfc9112.6.3-3", { answer: () => ok(), length: () => 0 }],
  ["knows no transfer coding", "rfc9112.6.1-1", { answer: () => ok() }],
  ["chunked of HTTP/1.0 is passed over", "rfc9112.6.1-2", { answer: () => ok(), length: () => 0 }],
  ["takes a body for a request", "rfc9112.6.2-1", { answer: () => ok(), length: () => 0 }],
  ["sends a body to HEAD", "rfc9110.9.3.2-1", { answer: () => ok() }],
  [
    "stays open after close",
    "rfc9112.9.6-1",
    { answer: (lines) => ok("", isHead(lines) ? "" : "hello") },
  ],
  ["does not say close", "rfc9112.9.6-2", { answer: () => ok(), close: saysClose }],
  ["keeps HTTP/1.0 open", "rfc9112.9.3-2", { answer: () => ok() }],
  [
    "both framings in responses",
    "rfc9112.6.2-2",
    {
      answer: () =>
        `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
  ],
  [
    "has no date in its form",
    "rfc9110.6.6.1-1",
    { answer: () => "HTTP/1.1 200 OK\r\nDate: 2026-01-15\r\nContent-Length: 1\r\n\r\nx" },
  ],
  [
    "goes by the date, not the tag",
    "rfc9110.13.2.2-1",
    {
      answer: (lines) =>
        lines.some((line) => /^if-modified-since/i.test(line))
          ? `HTTP/1.1 304 Not Modified\r\n${DATE}\r\n`
          : ok('ETag: "a"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'),
    },
  ],
  ["knows no If-Match", "rfc9110.13.1.1-1", { answer: () => ok('ETag: "a"\r\n') }],
  [
    "sends other octets than asked for",
    "rfc9110.14.2-1",
    {
      answer: (lines) =>
        lines.some((line) => /^range/i.test(line))
          ? `HTTP/1.1 206 Partial Content\r\n${DATE}Content-Range: bytes 0-0/5\r\nContent-Length: 2\r\n\r\nhe`
          : ok(),
    },
  ],
  [
    "405 without Allow",
    "rfc9110.15.5.6-1",
    { answer: (lines) => (lines[0]?.startsWith("GET") ? ok() : ok("", "", "HTTP/1.1 405 No")) },
  ],
  [
    "does not know HTTP/1.2",
    "rfc9112.2.3-1",
    { answer: (lines) => (lines[0]?.endsWith("1.1") ? ok() : ok("", "", "HTTP/1.1 400 No")) },
  ],
];

describe("conform http", () => {
  it("our server keeps all rules, simulated as live", () => {
    const results = check(ours);
    expect(results.size).toBe(RULES.length);
    const wrong = [...results.values()].filter(({ outcome }) => outcome !== "passed");
    expect(wrong.map(({ rule, detail }) => `${rule.id}: ${detail}`)).toEqual([]);
  });

  it("every rule has an identifier of its own that names its section", () => {
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    for (const { id, spec } of RULES) {
      expect(id).toMatch(/^rfc\d+(\.\d+)+-\d+$/);
      expect(spec).toMatch(/^RFC \d+ [\d.]+$/);
    }
  });

  it.each(BROKEN)("a server that %s is caught by %s", (_what, id, server) => {
    const results = check(naive(server), id);
    expect(results.get(id)?.outcome).toBe("failed");
  });

  it("a server that says nothing fails, and does not hang the run", () => {
    const results = check(naive({ answer: () => undefined }), "rfc9112.3.2-1");
    expect(results.get("rfc9112.3.2-1")?.detail).toBe("no response came");
  });
});

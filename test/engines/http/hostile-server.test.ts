/** What a server may send that is no response, to a client and through a proxy. */
import { describe, expect, it } from "vitest";
import type { Host } from "../../../src/engines/host.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { field } from "../../../src/engines/http/fields.ts";
import { cacheWorld, ORIGIN } from "./cache/world.ts";
import { bytesOf, clientOf, httpWorld, SERVER } from "./world.ts";

const PORT = 81;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Says `text` to each request, as it is. */
function says(node: Host, text: string): void {
  const handler = {
    onOpen: () => {},
    onData: (_data: Uint8Array, connection: { write(bytes: Uint8Array): unknown }) =>
      void connection.write(bytesOf(text)),
    onClose: () => {},
  };
  node.listen(() => handler, { local: { port: PORT } });
}

const CASES = [
  ["RFC 9110 15: a status below 100", "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["RFC 9112 4: what is no HTTP at all", "220 mail.example ready\n"],
  ["RFC 9110 15.2: interim responses without end", "HTTP/1.1 103 Early\r\n\r\n".repeat(1001)],
  [
    "RFC 9110 7.8: a change of protocol that nobody asked for",
    "HTTP/1.1 101 Other\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nother",
  ],
] as const;

describe("what is no response", () => {
  it.each(CASES)("%s: the client gives up", (_, text) => {
    const { world, server } = httpWorld(() => {});
    says(server, text);
    const answer = clientOf(
      world,
      {},
      { remote: { ...SERVER, port: PORT }, tolerant: true, responseTime: 5 * SECOND },
    ).send("GET", "/");
    world.run(30 * SECOND);
    expect(answer.error).toEqual({ fault: "malformed", unanswered: false });
  });

  it.each(CASES)("RFC 9209: %s: a proxy answers 502", (_, text) => {
    const { world, get } = cacheWorld(() => {}, { forward: true });
    says(world.get("origin"), text);
    const got = get(`http://${ORIGIN}:${PORT}/`);
    expect([got.statusCode, field(got.fields, "proxy-status")?.split(";")[1]]).toEqual([
      502,
      " error=http_protocol_error",
    ]);
  });

  it("RFC 9112 2.2: a response in pieces of one octet is one", () => {
    const { world, server } = httpWorld(() => {});
    const handler = {
      onOpen: () => {},
      onData: (_data: Uint8Array, connection: { write(bytes: Uint8Array): unknown }) => {
        [...OK].forEach((octet, i) => {
          const timer = server.clock.timer(() => void connection.write(bytesOf(octet)));
          timer.armAt(server.clock.now() + i * 10_000_000);
        });
      },
      onClose: () => {},
    };
    server.listen(() => handler, { local: { port: PORT } });
    const answer = clientOf(world, {}, { remote: { ...SERVER, port: PORT } }).send("GET", "/");
    world.run(5 * SECOND);
    expect([answer.error, answer.body, answer.ended]).toEqual([undefined, "ok", true]);
  });

  it("RFC 9110 15.2: some interim responses are none too many", () => {
    const { world, server } = httpWorld(() => {});
    says(server, `${"HTTP/1.1 103 Early\r\n\r\n".repeat(20)}${OK}`);
    const answer = clientOf(world, {}, { remote: { ...SERVER, port: PORT } }).send("GET", "/");
    world.run(SECOND);
    expect([answer.body, answer.informed.length, answer.ended]).toEqual(["ok", 20, true]);
  });
});

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { SECOND } from "../../src/engines/host.ts";
import { adminHandler } from "../../src/http/cdn/admin.ts";
import { control } from "../../src/http/cdn/control.ts";
import { clientOf, httpWorld } from "../engines/http/world.ts";

describe("the administration of a CDN", () => {
  it.each([
    ["//", 404],
    ["/?url=//", 404],
    ["http://[/", 404],
    ["/push?url=%zz", 400],
    ["/push?url=//", 400],
    ["/purge", 400],
  ])("POST %s is answered with %i, and nothing falls over", (target, statusCode) => {
    const made = httpWorld((exchange) => handler(exchange));
    const handler = adminHandler([], new Map());
    const answer = clientOf(made.world).send("POST", target);
    made.world.run(SECOND);
    expect(answer.head?.statusCode).toBe(statusCode);
  });

  it.each(["no", "null", "5"])("a server that answers %j is no CDN", async (body) => {
    const server = createServer((socket) => {
      socket.once("data", () =>
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await expect(control(at, "GET", "/stats")).rejects.toThrow(`${at}: no CDN answers there`);
    } finally {
      server.close();
    }
  });

  it("an address that is none is named by its flag", async () => {
    await expect(control("bogus", "GET", "/stats")).rejects.toThrow("--admin bogus: write it as");
  });
});

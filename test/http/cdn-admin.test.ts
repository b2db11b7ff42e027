import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { SECOND } from "../../src/engines/host.ts";
import { adminHandler } from "../../src/http/cdn/admin.ts";
import { control, isPushed } from "../../src/http/cdn/control.ts";
import { edgeOf } from "../../src/http/cdn/options.ts";
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

describe("what push tells", () => {
  it.each([
    [{ pushed: [{ statusCode: 200 }, { statusCode: 304 }] }, true],
    [{ pushed: [{ statusCode: 200 }, { statusCode: 404 }] }, false],
    [{ pushed: [{ statusCode: 200 }, {}] }, false],
    [{}, false],
  ])("%j: done is %s", (told, done) => {
    expect(isPushed(told)).toBe(done);
  });

  it("an edge is somewhere on earth", () => {
    expect(() => edgeOf("a=127.0.0.1:1@90.1,0")).toThrow("latitudes go to 90");
    expect(() => edgeOf("a=127.0.0.1:1@0,-180.1")).toThrow("longitudes to 180");
    expect(edgeOf("a=127.0.0.1:1@-90,180").place).toEqual([-90, 180]);
  });
});

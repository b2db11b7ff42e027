import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";

it("RFC 6066 3: send tls to an address names no server, and one line tells that the peer speaks no TLS", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("no TLS here\r\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const run = spawn("node", ["bin/run.js", "send", "tls", `127.0.0.1:${port}`, "00"], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 20_000,
  });
  const code = new Promise((resolve) => run.once("exit", resolve));
  const err = await text(run.stderr);
  server.close();
  expect(err.trimEnd().split("\n")).toHaveLength(1);
  expect(await code).toBe(4);
});

/** Clients that read nothing, over sockets: what the buffers of the kernel take is beside the point. */
import { closeSync, ftruncateSync, mkdtempSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import type { Endpoint } from "../../src/engines/host.ts";
import { SECOND } from "../../src/engines/host.ts";
import type { Exchange } from "../../src/engines/http/exchange.ts";
import { Files } from "../../src/engines/http/origin/files.ts";
import { HttpProxy } from "../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../src/engines/http/server.ts";
import type { RequestHandler } from "../../src/engines/http/server-connection.ts";
import { LiveHost } from "../../src/net/live/host.ts";

const MB = 1024 * 1024;
const host = new LiveHost();
const sockets: Socket[] = [];
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  host.stop();
});

function listening(handler: RequestHandler): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    new HttpServer(handler, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      limits: { sendTime: 1 * SECOND },
      onListening: ([at]) => resolve(at as Endpoint),
      onListenError: reject,
    }).start(host);
  });
}

it("a client that reads nothing of a large file holds back server, proxy and origin, and is closed", async () => {
  const root = mkdtempSync(join(tmpdir(), "netkit-slow-"));
  const file = openSync(join(root, "big"), "w");
  ftruncateSync(file, 200 * MB);
  closeSync(file);
  const files = new Files(host, { root });
  const seen: { origin: Exchange[]; proxy: Exchange[] } = { origin: [], proxy: [] };
  const origin = await listening((exchange) => {
    seen.origin.push(exchange);
    files.handle(exchange);
  });
  const proxy = new HttpProxy(host, {
    origin: { scheme: "http", host: origin.addr, port: origin.port },
    lookup: (name, done) => done(null, { addresses: [name] }),
  });
  const proxied = await listening((exchange) => {
    seen.proxy.push(exchange);
    proxy.handle(exchange);
  });
  for (const { port } of [origin, proxied]) {
    const socket = connect(port, "127.0.0.1", () => {
      socket.pause();
      socket.write("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    socket.on("error", () => {});
    sockets.push(socket);
  }
  await vi.waitFor(() => expect([seen.origin.length, seen.proxy.length]).toEqual([2, 1]), 5000);
  const all = [...seen.origin, ...seen.proxy];
  let buffered = 0;
  await vi.waitFor(() => {
    buffered = Math.max(buffered, ...all.map(({ connection }) => connection.buffered));
    expect(all.map(({ gone }) => gone)).toEqual([true, true, true]);
  }, 10_000);
  expect(buffered).toBeLessThan(MB);
  // Each of the two pairs of sockets may take some megabytes.
  for (const { sent } of all) expect(sent).toBeLessThan(50 * MB);
  proxy.close();
}, 20_000);

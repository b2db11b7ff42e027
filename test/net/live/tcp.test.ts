import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { TcpListener } from "../../../src/engines/host.ts";
import { MILLISECOND } from "../../../src/engines/host.ts";
import { LiveHost } from "../../../src/net/live/host.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A port whose backlog is full: what connects there waits for an answer to its SYN. */
async function fullPort(): Promise<number> {
  const listens = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () {
    process.stdout.write(String(this.address().port));
    process.kill(process.pid, "SIGSTOP");
  })`;
  const child = spawn(process.execPath, ["-e", listens]);
  ends.push(() => child.kill("SIGKILL"));
  const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  for (let i = 0; i < 4; i++) {
    const filler = connect(port, "127.0.0.1");
    filler.on("error", () => {});
    ends.push(() => filler.destroy());
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  return port;
}

describe("live TCP", () => {
  it("a connection that is not there yet is given up at once", async () => {
    const port = await fullPort();
    const host = new LiveHost();
    ends.push(() => host.stop());
    const closed = await new Promise((resolve) => {
      const connection = host.connect(
        { onOpen: () => resolve("open"), onData: () => {}, onClose: resolve },
        { remote: { addr: "127.0.0.1", port }, timeout: 60_000 * MILLISECOND },
      );
      setTimeout(() => connection.reset(), 50);
      setTimeout(() => resolve("still there"), 1500);
    });
    expect(closed).toBe("local");
  });

  it("a client that stalls in its TLS handshake is let go", async () => {
    const host = new LiveHost();
    ends.push(() => host.stop());
    const cert = readFileSync("fixtures/tls/localhost.pem", "utf8");
    const key = readFileSync("fixtures/tls/localhost.key", "utf8");
    const port = await new Promise<number>((resolve) =>
      host.listen(() => ({ onData: () => {}, onClose: () => {} }), {
        local: { addr: "127.0.0.1", port: 0 },
        tls: { cert, key, handshakeTime: 200 * MILLISECOND },
        onListening: (listener: TcpListener) => resolve(listener.local.port),
      }),
    );
    const client: Socket = connect(port, "127.0.0.1");
    ends.push(() => client.destroy());
    // The beginning of a ClientHello: RFC 8446 5.1.
    client.write(Uint8Array.of(0x16, 3, 1, 0, 0xf0, 1, 0));
    client.resume();
    const end = await new Promise((resolve) => {
      client.once("close", () => resolve("closed"));
      client.on("error", () => {});
      setTimeout(() => resolve("still there"), 2000);
    });
    expect(end).toBe("closed");
  });
});

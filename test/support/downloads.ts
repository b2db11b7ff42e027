/** Downloads by the simulated TCP over one slow link, as the server's trace has them. */
import type { Host, TcpConnection } from "../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../src/engines/host.ts";
import { Trace } from "../../src/net/simulated/trace.ts";
import { World } from "../../src/net/simulated/world.ts";

/** A server sends `bytes` to each of `clients`; its own trace, and how many segments it sent again. */
export function downloads(clients: number, bytes: number, queue: number, loss: number) {
  const world = new World({ seed: 3, delay: 0 });
  const program = (start: () => void) => ({
    start,
    stop: (_: boolean, done: () => void) => done(),
  });
  const serve = (host: Host) =>
    host.listen(
      () => ({
        onOpen: (c: TcpConnection) => {
          c.write(new Uint8Array(bytes));
          c.end();
        },
        onData() {},
        onClose() {},
      }),
      { local: { addr: "10.0.0.1", port: 80 } },
    );
  const fetch = (host: Host) =>
    host.connect(
      { onData() {}, onEnd: (c) => c.end(), onClose() {} },
      { remote: { addr: "10.0.0.1", port: 80 } },
    );
  const server = world.node("server", {
    addresses: ["10.0.0.1"],
    link: { delay: 0 },
    boot: (host) => program(() => void serve(host)),
  });
  world.router("home");
  world.link("home", "core", { delay: 40 * MILLISECOND, rate: 10e6, queue, loss });
  for (let i = 0; i < clients; i++) {
    world.node(`client${i}`, {
      addresses: [`10.0.1.${i + 1}`],
      at: "home",
      link: { delay: 0 },
      boot: (host) => program(() => void fetch(host)),
    });
  }
  const trace = new Trace(world.startedMs, "server");
  world.attach("server", trace);
  world.run(120 * SECOND);
  return { capture: trace.bytes(), resent: server.resentAt.length, dropped: world.dropped };
}

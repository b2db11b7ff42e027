/** A run in which everything goes wrong that can, for tests of determinism: the digest says what happened. */
import type { Engine, Host } from "../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../src/engines/host.ts";
import { World } from "../../src/net/simulated/world.ts";

const NAMES = ["n0", "n1", "n2", "n3"];

/** Echoes datagrams and streams, and sends a number to each other node every 10 ms. */
function chatter(): Engine {
  return {
    start: (host: Host) => {
      const socket = host.udp(
        {
          onDatagram: (data, addr, port, s) => {
            if (data.length < 8) s.send(Uint8Array.of(...data, data.length), addr, port);
          },
        },
        { local: { port: 7 } },
      );
      host.listen(
        () => ({
          onData: (data, c) => void c.write(data.slice()),
          onEnd: (c) => c.end(),
          onClose: (cause) => host.trace(`closed ${cause}`),
        }),
        { local: { port: 80 } },
      );
      let n = 0;
      const timer = host.clock.timer(() => {
        const to = 1 + host.random.below(NAMES.length);
        socket.send(Uint8Array.of(n & 255), `192.0.2.${to}`, 7);
        if (n % 10 === 0) stream(host, `192.0.2.${to}`);
        if (++n < 200) timer.armAt(host.clock.now() + 10 * MILLISECOND);
      });
      timer.armAt(host.clock.now());
    },
    stop: (_graceful, done) => done(),
  };
}

function stream(host: Host, addr: string): void {
  host.connect(
    {
      onOpen: (c) => {
        c.write(new Uint8Array(3000));
        c.end();
      },
      onData: (data) => host.trace("read", data.length),
      onClose: (cause) => host.trace(`close ${cause}`),
    },
    { remote: { addr, port: 80 } },
  );
}

export function chaosDigest(seed: number, shuffle = false): string {
  const world = new World({ seed, shuffle });
  for (const [i, name] of NAMES.entries())
    world.node(name, { addresses: [`192.0.2.${i + 1}`], boot: chatter });
  world.faults.chaos({
    nodes: NAMES,
    kinds: [
      "loss",
      "duplicate",
      "reorder",
      "corrupt",
      "partition",
      "one-way",
      "clog",
      "crash",
      "pause",
      "skew",
      "rst",
    ],
    every: 100 * MILLISECOND,
    longest: 400 * MILLISECOND,
  });
  world.run(3 * SECOND);
  world.faults.quiet();
  world.run(10 * SECOND);
  return `${world.digest.text} ${world.digest.events} ${world.sent} ${world.delivered}`;
}

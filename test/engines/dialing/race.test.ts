import { describe, expect, it } from "vitest";
import { ordered } from "../../../src/engines/dialing/order.ts";
import type { Attempt } from "../../../src/engines/dialing/race.ts";
import { racing } from "../../../src/engines/dialing/race.ts";
import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";

const V4 = "192.0.2.80";
const V6 = "2001:db8::80";
const DEAD = "2001:db8::dead";
const REFUSING = "192.0.2.99";
const DELAY = 250 * MILLISECOND;

/** A round trip of 100 ms to each of two addresses of a server; one refuses, one answers nothing. */
function raceWorld(tls = false) {
  const world = new World({ seed: 3, delay: 25 * MILLISECOND });
  const server = world.node("server", { addresses: [V4, V6] });
  world.node("refusing", { addresses: [REFUSING] });
  world.node("silent", { addresses: [DEAD] });
  world.faults.crash("silent");
  const client = world.node("client", { addresses: ["198.51.100.1", "2001:db8:1::1"] });
  const accepted: TcpConnection[] = [];
  server.listen(
    (connection) => {
      accepted.push(connection);
      return {
        onData: (data, at) => at.write(new Uint8Array(data)),
        onClose: () => accepted.splice(accepted.indexOf(connection), 1),
      };
    },
    { local: { port: 80 }, ...(tls ? { tls: { cert: "CN=x", key: "k" } } : {}) },
  );
  return { world, client, accepted };
}

function dialled(addresses: readonly string[], timeout = 10 * SECOND, tls = false) {
  const { world, client, accepted } = raceWorld(tls);
  const log: string[] = [];
  let attempts: readonly Attempt[] = [];
  const at = () => `at ${world.now / MILLISECOND}`;
  const remotes = addresses.map((addr) => ({ addr, port: 80 }));
  const dial = racing(client, remotes, DELAY, (tried) => {
    attempts = tried;
  });
  const connection = dial(
    {
      onConnected: () => log.push(`connected ${at()}`),
      onOpen: (open) => {
        log.push(`open ${open.remote.addr} ${at()}`);
        open.setNoDelay(true);
        connection.write(Uint8Array.of(1, 2, 3));
      },
      onData: (data) => log.push(`echo ${data.length} ${at()}`),
      onClose: (cause, error) => log.push(`${cause} ${at()}: ${error?.message}`),
    },
    { timeout, ...(tls ? { tls: { verify: false } } : {}) },
  );
  const tried = () =>
    attempts.map(({ remote, from, to, why }) => [
      remote.addr,
      from / MILLISECOND,
      (to ?? Number.NaN) / MILLISECOND,
      why,
    ]);
  return { world, log, connection, tried, accepted };
}

describe("RFC 8305 5: attempts", () => {
  it("the first address answers: nothing else is tried", () => {
    const { world, log, tried, accepted } = dialled([V6, V4]);
    world.run(SECOND);
    expect(log).toEqual([`open ${V6} at 100`, "echo 3 at 200"]);
    expect(tried()).toEqual([[V6, 0, 100, undefined]]);
    expect(accepted).toHaveLength(1);
  });

  it("a dead address costs the delay, not its timeout", () => {
    const { world, log, tried } = dialled([DEAD, V4]);
    world.run(SECOND);
    expect(log).toEqual([`open ${V4} at 350`, "echo 3 at 450"]);
    expect(tried()).toEqual([
      [DEAD, 0, 350, "another was faster"],
      [V4, 250, 350, undefined],
    ]);
  });

  it("one that refuses is followed at once", () => {
    const { world, log, tried } = dialled([REFUSING, V4]);
    world.run(SECOND);
    expect(log).toEqual([`open ${V4} at 200`, "echo 3 at 300"]);
    expect(tried()).toEqual([
      [REFUSING, 0, 100, "ECONNREFUSED"],
      [V4, 100, 200, undefined],
    ]);
  });

  it("an attempt goes on beside the later ones, and may win; the others leave nothing open", () => {
    const { world, client, accepted } = raceWorld();
    let won = "";
    // 10 ms apart, all answer after 100 ms: the first wins though the second has begun.
    const remotes = [V6, V4].map((addr) => ({ addr, port: 80 }));
    racing(client, remotes, 10 * MILLISECOND, () => {})(
      {
        onOpen: ({ remote }) => {
          won = remote.addr;
        },
        onData: () => {},
        onClose: () => {},
      },
      {},
    );
    world.run(5 * SECOND);
    expect(won).toBe(V6);
    expect(accepted.map(({ local }) => local.addr)).toEqual([V6]);
  });

  it("none can be reached: each is named with its reason", () => {
    const { world, log } = dialled([REFUSING, DEAD], 2 * SECOND);
    world.run(5 * SECOND);
    expect(log).toEqual([
      `timeout at 2000: no address can be reached: ${REFUSING}:80 ECONNREFUSED, [${DEAD}]:80 ETIMEDOUT`,
    ]);
  });

  it("given up before one has opened: the handler hears it once, and nothing stays", () => {
    const { world, log, connection, accepted } = dialled([DEAD, V4]);
    world.run(300 * MILLISECOND);
    connection.reset();
    connection.reset();
    world.run(5 * SECOND);
    expect(log).toEqual(["local at 300: undefined"]);
    expect(accepted).toHaveLength(0);
  });

  it("TLS begins on the one that won", () => {
    const { world, log } = dialled([DEAD, V4], 10 * SECOND, true);
    world.run(2 * SECOND);
    expect(log).toEqual(["connected at 350", `open ${V4} at 450`, "echo 3 at 550"]);
  });
});

describe("RFC 8305 4: the order of addresses", () => {
  const v6 = ["2001:db8::1", "2001:db8::2", "2001:db8::3"];
  const v4 = ["192.0.2.1", "192.0.2.2"];
  it.each([
    ["families in turn", [...v4, ...v6], ["2001:db8:1::1"], [v6[0], v4[0], v6[1], v4[1], v6[2]]],
    [
      "IPv6 last where there is none to come from",
      [...v6, ...v4],
      ["10.0.0.1", "fe80::1", "::1"],
      [...v4, ...v6],
    ],
    ["loopback of IPv6 counts without", ["127.0.0.1", "::1"], ["127.0.0.1"], ["::1", "127.0.0.1"]],
    ["one address stays", ["192.0.2.1"], [], ["192.0.2.1"]],
  ] as const)("%s", (_what, addresses, own, wanted) => {
    expect(ordered(addresses, own)).toEqual(wanted);
  });
});

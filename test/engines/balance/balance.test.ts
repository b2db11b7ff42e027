import { describe, expect, it } from "vitest";
import { Backends } from "../../../src/engines/balance/backends.ts";
import { HEALTH, HealthChecks } from "../../../src/engines/balance/health.ts";
import { Ring } from "../../../src/engines/balance/ring.ts";
import { TcpBalancer } from "../../../src/engines/balance/tcp.ts";
import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import type { PacketPolicy } from "../../../src/net/simulated/balancer.ts";
import { PacketBalancer } from "../../../src/net/simulated/balancer.ts";
import { World } from "../../../src/net/simulated/world.ts";

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const VIP = "203.0.113.1";
const KEYS = Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255} ${1024 + i}`);

describe("consistent hashing", () => {
  const ring = (...ids: string[]) => {
    const made = new Ring();
    for (const id of ids) made.add(id);
    return made;
  };

  it("spreads keys evenly, and by weight", () => {
    const even = ring("a", "b", "c");
    const counts = new Map<string, number>();
    for (const key of KEYS) {
      const id = even.find(key) as string;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200);
    const weighted = new Ring();
    weighted.add("a", 3);
    weighted.add("b", 1);
    const share = KEYS.filter((key) => weighted.find(key) === "a").length / KEYS.length;
    expect(share).toBeGreaterThan(0.68);
    expect(share).toBeLessThan(0.82);
  });

  it("a machine more takes keys from all, and moves no other; one less moves its own only", () => {
    const before = ring("a", "b", "c");
    const after = ring("a", "b", "c", "d");
    const moved = KEYS.filter((key) => before.find(key) !== after.find(key));
    expect(moved.every((key) => after.find(key) === "d")).toBe(true);
    expect(Math.abs(moved.length / KEYS.length - 0.25)).toBeLessThan(0.08);
    after.remove("d");
    expect(KEYS.every((key) => before.find(key) === after.find(key))).toBe(true);
  });

  it("a machine that may not be used gives its keys to the next on the ring", () => {
    const all = ring("a", "b", "c");
    const without = ring("a", "b");
    expect(KEYS.every((key) => all.find(key, (id) => id !== "c") === without.find(key))).toBe(true);
  });
});

describe("whose turn it is", () => {
  const at = (n: number) => ({ addr: `192.0.2.${n}`, port: 80 });
  const backends = (policy: "round-robin" | "least-connections" | "hash") =>
    new Backends(policy, [
      { id: "a", at: at(1), weight: 2 },
      { id: "b", at: at(2) },
      { id: "c", at: at(3) },
    ]);

  it("round robin by weight, without bursts", () => {
    const set = backends("round-robin");
    const turns = Array.from({ length: 8 }, () => set.pick(0, "")?.id).join("");
    expect(turns).toBe("abcaabca");
  });

  it("least connections, by weight", () => {
    const set = backends("least-connections");
    const turns = Array.from({ length: 8 }, () => {
      const one = set.pick(0, "");
      if (one !== undefined) {
        one.active++;
        one.served++;
      }
      return one?.id;
    });
    expect(turns.filter((id) => id === "a").length).toBe(4);
  });

  it("down, draining, resting and tried ones are passed over; when all are down they are tried", () => {
    const set = backends("round-robin");
    const [a, b, c] = set.all;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three machines");
    a.up = false;
    b.draining = true;
    expect(set.pick(0, "")?.id).toBe("c");
    c.restUntil = SECOND;
    expect(set.pick(0, "")?.id).not.toBe("b");
    expect(set.pick(0, "", new Set(["a", "c"]))).toBeUndefined();
    expect(set.pick(2 * SECOND, "")?.id).toBe("c");
  });
});

/** A server that sends its name a few times and echoes; a client that counts what it hears. */
function echoServer(
  world: World,
  name: string,
  address: string,
  quiet: string[] = [],
  at?: string,
) {
  return world.node(name, {
    addresses: [address],
    quiet,
    ...(at === undefined ? {} : { at }),
    boot: (host) => ({
      start: () => {
        host.listen(
          () => ({
            onData: (data, connection) => {
              connection.write(bytesOf(`${name}:`));
              connection.write(new Uint8Array(data));
            },
            onEnd: (connection) => connection.end(),
            onClose: () => {},
          }),
          { local: { port: 80 } },
        );
      },
      stop: (_graceful, done) => done(),
    }),
  });
}

interface Talk {
  heard: string;
  closed: string | undefined;
}

/** Says three words, 200 ms apart, on one connection. */
function talk(world: World, to: string, from = "client"): Talk {
  const host = world.get(from);
  const talked: Talk = { heard: "", closed: undefined };
  let said = 0;
  const timer = host.clock.timer(() => say());
  let connection: TcpConnection | undefined;
  const say = () => {
    if (said++ < 3) {
      connection?.write(bytesOf(`${said};`));
      timer.armAt(host.clock.now() + 200 * MILLISECOND);
    } else connection?.end();
  };
  connection = host.connect(
    {
      onOpen: say,
      onData: (data) => {
        talked.heard += Buffer.from(data).toString();
      },
      onClose: (cause) => {
        talked.closed = cause;
        timer.armAt(undefined);
      },
    },
    { remote: { addr: to, port: 80 }, timeout: 5 * SECOND },
  );
  return talked;
}

describe("a balancer of packets", () => {
  const machines = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

  function balanced(policy: PacketPolicy, mode: "nat" | "direct") {
    const world = new World({ seed: 5, delay: 5 * MILLISECOND });
    const box = new PacketBalancer({ address: VIP, policy, mode, machines });
    world.router("balancer", { box, addresses: [VIP] });
    world.link("balancer", "core");
    machines.forEach((address, i) => {
      // Behind the box with NAT; beside it where the answers do not pass it.
      const at = mode === "nat" ? "balancer" : "core";
      echoServer(world, `s${i}`, address, mode === "direct" ? [VIP] : [], at);
    });
    world.node("client", { addresses: ["198.51.100.1"] });
    const talks = () => Array.from({ length: 30 }, () => talk(world, VIP));
    return { world, box, talks };
  }

  /** Heard all three words from one and the same machine. */
  const whole = ({ heard, closed }: Talk) =>
    closed === "ended" && /^(s\d):1;\1:2;\1:3;$/.test(heard);

  it.each(["nat", "direct"] as const)(
    "%s: all packets of a connection reach the same machine, and all machines serve",
    (mode) => {
      for (const policy of ["connection-table", "hash"] as const) {
        const { world, box, talks } = balanced(policy, mode);
        const all = talks();
        world.run(60 * SECOND);
        expect(all.every(whole)).toBe(true);
        expect(box.counts.size).toBe(3);
      }
    },
  );

  it.each(["nat", "direct"] as const)(
    "%s: the next machine for each packet breaks connections",
    (mode) => {
      const { world, talks } = balanced("per-packet", mode);
      const all = talks();
      world.run(60 * SECOND);
      expect(all.filter(whole).length).toBe(0);
    },
  );

  it("a machine more breaks what the hash moves, and with a connection table nothing", () => {
    for (const policy of ["hash", "connection-table"] as const) {
      const { world, box, talks } = balanced(policy, "nat");
      const all = talks();
      world.run(250 * MILLISECOND);
      echoServer(world, "s3", "10.0.0.4", [], "balancer");
      box.add("10.0.0.4");
      world.run(60 * SECOND);
      const broken = all.filter((one) => !whole(one)).length;
      if (policy === "connection-table") expect(broken).toBe(0);
      else {
        expect(broken).toBeGreaterThan(0);
        expect(broken).toBeLessThan(18);
      }
    }
  });
});

describe("a balancer of connections", () => {
  function balanced(policy: "round-robin" | "hash") {
    const world = new World({ seed: 6, delay: 5 * MILLISECOND });
    for (const n of [1, 2, 3]) echoServer(world, `s${n}`, `10.0.0.${n}`);
    world.node("client", { addresses: ["198.51.100.1"] });
    world.node("other", { addresses: ["198.51.100.2"] });
    const front = world.node("front", { addresses: [VIP] });
    const backends = new Backends(
      policy,
      [1, 2, 3].map((n) => ({ id: `s${n}`, at: { addr: `10.0.0.${n}`, port: 80 } })),
    );
    const balancer = new TcpBalancer({ listen: [{ addr: VIP, port: 80 }], backends });
    balancer.start(front);
    return { world, backends, front, balancer };
  }

  it("spreads connections in turn, and passes octets and ends both ways", () => {
    const { world } = balanced("round-robin");
    const all = Array.from({ length: 6 }, () => talk(world, VIP));
    world.run(30 * SECOND);
    expect(
      all
        .map(({ heard }) => heard.slice(0, 2))
        .sort()
        .join(" "),
    ).toBe("s1 s1 s2 s2 s3 s3");
    expect(all.every(({ closed }) => closed === "ended")).toBe(true);
  });

  it("by the client's address: one client stays at one machine", () => {
    const { world } = balanced("hash");
    const all = Array.from({ length: 5 }, () => talk(world, VIP));
    world.run(30 * SECOND);
    expect(new Set(all.map(({ heard }) => heard.slice(0, 2))).size).toBe(1);
  });

  it("a machine that is down is passed over, and left alone for a while", () => {
    const { world, backends } = balanced("round-robin");
    world.get("s2").crash();
    const all = Array.from({ length: 6 }, () => talk(world, VIP));
    world.run(60 * SECOND);
    expect(all.filter(({ heard }) => /^(s[13]):1;\1:2;\1:3;$/.test(heard)).length).toBe(6);
    expect(backends.get("s2")?.failed).toBeGreaterThan(0);
  });
});

describe("health checks", () => {
  it("two failures in a row turn a machine down, two successes up again", () => {
    const world = new World({ seed: 8, delay: MILLISECOND });
    let well = true;
    world.node("s", {
      addresses: ["10.0.0.1"],
      boot: () =>
        new HttpServer(
          (exchange) => exchange.respond({ statusCode: well ? 200 : 503, fields: [] }),
          { listen: [{ addr: "10.0.0.1", port: 80 }] },
        ),
    });
    const front = world.node("front", { addresses: [VIP] });
    world.run(MILLISECOND);
    const backends = new Backends("round-robin", [{ id: "s", at: { addr: "10.0.0.1", port: 80 } }]);
    const changes: string[] = [];
    const checks = new HealthChecks(
      front,
      backends,
      { ...HEALTH, path: "/health" },
      (backend, why) => changes.push(`${world.now / SECOND} ${backend.up} ${why}`),
    );
    world.run(5 * SECOND);
    expect(changes).toEqual([]);
    well = false;
    world.run(11 * SECOND);
    well = true;
    world.run(20 * SECOND);
    checks.stop();
    expect(changes.map((text) => text.replace(/^\S+ /, ""))).toEqual([
      "false status 503",
      "true status 200",
    ]);
  });
});

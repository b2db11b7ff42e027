import { describe, expect, it } from "vitest";
import type { Engine, Host, TcpConnection, UdpSocket } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import type { Rule } from "../../../src/net/simulated/faults.ts";
import { damaging, truncating } from "../../../src/net/simulated/faults.ts";
import type { NatKind } from "../../../src/net/simulated/nat.ts";
import { Nat } from "../../../src/net/simulated/nat.ts";
import type { Packet } from "../../../src/net/simulated/packet.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { chaosDigest } from "../../support/chaos-world.ts";

const text = (data: Uint8Array) => Buffer.from(data).toString("latin1");
const bytes = (value: string) => new Uint8Array(Buffer.from(value, "latin1"));

/** Answers each datagram with its own name and what it got. */
function echo(name: string): (host: Host) => Engine {
  return () => ({
    start: (host) => {
      host.udp(
        {
          onDatagram: (data, addr, port, socket) =>
            socket.send(bytes(`${name}:${text(data)}`), addr, port),
        },
        { local: { port: 7 } },
      );
    },
    stop: (_graceful, done) => done(),
  });
}

/** Sends `count` numbers, one each 10 ms, and lists what comes back. */
function ask(world: World, name: string, to: string, count = 1): string[] {
  const host = world.get(name);
  const answers: string[] = [];
  let sent = 0;
  const socket: UdpSocket = host.udp({
    onDatagram: (data) => answers.push(text(data)),
  });
  const timer = host.clock.timer(() => {
    socket.send(bytes(String(sent++)), to, 7);
    if (sent < count) timer.armAt(host.clock.now() + 10 * MILLISECOND);
  });
  timer.armAt(host.clock.now());
  return answers;
}

describe("topology", () => {
  it("a packet takes the way of least delay, and time passes accordingly", () => {
    const world = new World({ seed: 1 });
    world.router("slow");
    world.router("fast");
    const link = (delay: number) => ({ delay: delay * MILLISECOND });
    world.node("a", { addresses: ["192.0.2.1"], at: "slow", link: link(1) });
    world.node("b", { addresses: ["192.0.2.2"], at: "fast", link: link(1), boot: echo("b") });
    world.link("slow", "fast", link(100));
    world.link("slow", "core", link(10));
    world.link("core", "fast", link(10));
    const answers = ask(world, "a", "192.0.2.2");
    world.run();
    expect(answers).toEqual(["b:0"]);
    expect(world.now).toBe(2 * 22 * MILLISECOND);
  });

  it("RFC 4786: of several nodes with one address the nearest by route answers; a route change moves it", () => {
    const world = new World({ seed: 1 });
    world.node("near", {
      addresses: ["192.0.2.53"],
      link: { delay: 1 * MILLISECOND },
      boot: echo("near"),
    });
    world.node("far", {
      addresses: ["192.0.2.53"],
      link: { delay: 50 * MILLISECOND },
      boot: echo("far"),
    });
    world.node("client", { addresses: ["192.0.2.1"] });
    const first = ask(world, "client", "192.0.2.53");
    world.run();
    const undo = world.faults.link("near", "core", { up: false });
    const second = ask(world, "client", "192.0.2.53");
    world.run();
    undo();
    const third = ask(world, "client", "192.0.2.53");
    world.run();
    expect([first, second, third]).toEqual([["near:0"], ["far:0"], ["near:0"]]);
  });

  it("a middlebox sees packets and may answer with others", () => {
    const world = new World({ seed: 1 });
    const seen: string[] = [];
    world.router("edge", {
      box: {
        packet: (packet, forward) => {
          seen.push(text(packet.data));
          if (text(packet.data) !== "1") forward(packet);
        },
      },
    });
    world.link("edge", "core");
    world.node("a", { addresses: ["192.0.2.1"], at: "edge" });
    world.node("b", { addresses: ["192.0.2.2"], boot: echo("b") });
    const answers = ask(world, "a", "192.0.2.2", 3);
    world.run();
    expect(answers).toEqual(["b:0", "b:2"]);
    expect(seen).toEqual(["0", "1", "b:0", "2", "b:2"]);
  });

  it.each<[NatKind, boolean, boolean, boolean]>([
    // answered by: the peer from its port, the peer from another port, a stranger
    ["full-cone", true, true, true],
    ["restricted", true, true, false],
    ["port-restricted", true, false, false],
    ["symmetric", true, false, false],
  ])("RFC 3489 5: what a %s NAT lets in", (kind, same, otherPort, stranger) => {
    const world = new World({ seed: 3 });
    const inside = (addr: string) => addr.startsWith("10.");
    const nat = new Nat({ kind, address: "198.51.100.1", inside }, world.random.fork("nat"));
    world.router("nat", { box: nat, addresses: ["198.51.100.1"] });
    world.link("nat", "core");
    const a = world.node("a", { addresses: ["10.0.0.1"], at: "nat" });
    const b = world.node("b", { addresses: ["192.0.2.2"] });
    const c = world.node("c", { addresses: ["192.0.2.3"] });
    const got: string[] = [];
    const client = a.udp({ onDatagram: (data) => got.push(text(data)) });
    const other = b.udp({ onDatagram() {} });
    const third = c.udp({ onDatagram() {} });
    let source = "";
    const server = b.udp(
      {
        onDatagram: (_data, addr, port, socket) => {
          source = addr;
          socket.send(bytes("same"), addr, port);
          other.send(bytes("other port"), addr, port);
          third.send(bytes("stranger"), addr, port);
        },
      },
      { local: { port: 7 } },
    );
    client.send(bytes("hi"), "192.0.2.2", server.local.port);
    world.run();
    expect(source).toBe("198.51.100.1");
    expect([got.includes("same"), got.includes("other port"), got.includes("stranger")]).toEqual([
      same,
      otherPort,
      stranger,
    ]);
  });
});

describe("faults", () => {
  const pair = (seed = 5, shuffle = false) => {
    const world = new World({ seed, shuffle });
    world.node("a", { addresses: ["192.0.2.1"] });
    world.node("b", { addresses: ["192.0.2.2"], boot: echo("b") });
    return world;
  };

  it("loss takes its share, and undoing ends it", () => {
    const world = pair();
    const undo = world.faults.link("b", "core", { loss: 0.5 });
    const answers = ask(world, "a", "192.0.2.2", 400);
    world.run();
    expect(answers.length).toBeGreaterThan(60);
    expect(answers.length).toBeLessThan(140);
    undo();
    const later = ask(world, "a", "192.0.2.2", 20);
    world.run();
    expect(later).toHaveLength(20);
  });

  it("duplicates and overtaking come as asked for; RFC 1122 4.1.3.4: a flipped bit does not, but from a middlebox", () => {
    const world = pair();
    world.faults.link("a", "core", { duplicate: 1 });
    expect(run(world, 10).length).toBeGreaterThan(20);
    world.faults.quiet();
    world.faults.link("a", "core", { reorder: 0.5, delay: 20 * MILLISECOND });
    const order = run(world, 40).map((answer) => Number(answer.slice(2)));
    expect(order).toHaveLength(40);
    expect(order).not.toEqual([...order].sort((x, y) => x - y));
    world.faults.quiet();
    world.faults.link("a", "core", { corrupt: 1 });
    expect(run(world, 10)).toEqual([]);
    world.faults.quiet();
    const flip = damaging(1, world.random);
    world.faults.rule((packet, from, to) => (from === "a" ? flip(packet, from, to) : "pass"));
    const damaged = run(world, 10);
    expect(damaged).toHaveLength(10);
    expect(damaged.every((answer, i) => answer !== `b:${i}`)).toBe(true);

    function run(w: World, count: number): string[] {
      const answers = ask(w, "a", "192.0.2.2", count);
      w.run();
      return answers;
    }
  });

  it("a partition in one direction lets the other pass", () => {
    const world = pair();
    let atB = 0;
    const count: Rule = (_packet, _from, to) => {
      if (to === "b") atB++;
      return "pass";
    };
    world.faults.partition(["b"], ["a"], true);
    world.faults.rule(count);
    const answers = ask(world, "a", "192.0.2.2", 5);
    world.run();
    expect([answers.length, atB]).toEqual([0, 5]);
  });

  it("a datagram is cut by a rule; one above the path's MTU vanishes", () => {
    const world = pair();
    world.faults.rule(truncating(3));
    const answers = ask(world, "a", "192.0.2.2", 1);
    world.run();
    expect(answers).toEqual(["b:0"]);
    const a = world.get("a");
    const got: number[] = [];
    const socket = a.udp({ onDatagram: (data) => got.push(data.length) });
    socket.send(bytes("x".repeat(100)), "192.0.2.2", 7);
    world.run();
    world.faults.quiet();
    world.faults.link("a", "core", { mtu: 576 });
    socket.send(new Uint8Array(2000), "192.0.2.2", 7);
    socket.send(new Uint8Array(100), "192.0.2.2", 7);
    world.run();
    expect(got).toEqual([3, 102]);
  });

  it("a crashed node is silent and starts anew; what was not synced is torn", () => {
    let boots = 0;
    const world = new World({ seed: 2 });
    world.node("a", { addresses: ["192.0.2.1"] });
    const b = world.node("b", {
      addresses: ["192.0.2.2"],
      boot: (host) => {
        boots++;
        return echo(`boot${boots}`)(host);
      },
    });
    const saved: string[] = [];
    b.disk.open("synced", "create", (_e, file) => {
      file?.write(0, bytes("safe"), () => file.sync(() => saved.push("synced")));
    });
    world.run();
    const undo = world.faults.crash("b");
    const lost = ask(world, "a", "192.0.2.2");
    world.run();
    undo();
    const answers = ask(world, "a", "192.0.2.2");
    world.run();
    expect([lost, answers, saved]).toEqual([[], ["boot2:0"], ["synced"]]);
    let content = "";
    b.disk.open("synced", "read", (_e, file) =>
      file?.read(0, 99, (_x, d) => (content = text(d as Uint8Array))),
    );
    world.run();
    expect(content).toBe("safe");
  });

  it("a paused node does all at once when it goes on", () => {
    const world = pair();
    const undo = world.faults.pause("b");
    const answers = ask(world, "a", "192.0.2.2", 3);
    world.run(SECOND);
    expect(answers).toEqual([]);
    undo();
    world.run();
    expect(answers).toEqual(["b:0", "b:1", "b:2"]);
  });

  it("skew moves the wall clock and the speed of timers", () => {
    const world = pair();
    const { clock } = world.get("a");
    world.faults.skew("a", 5000, 100_000);
    expect(clock.wallMs()).toBe(world.startedMs + 5000);
    let firedAt = 0;
    clock.timer(() => (firedAt = world.now)).armAt(clock.now() + SECOND);
    world.run();
    expect(firedAt).toBe(Math.ceil(SECOND / 1.1));
  });

  it("a full disk says ENOSPC", () => {
    const world = pair();
    const { disk } = world.get("a");
    disk.capacity = 10;
    const codes: (string | undefined)[] = [];
    disk.open("f", "create", (_e, file) => {
      file?.write(0, new Uint8Array(10), (e) => codes.push(e?.code));
      file?.write(10, new Uint8Array(1), (e) => codes.push(e?.code));
    });
    world.run();
    expect(codes).toEqual([undefined, "ENOSPC"]);
  });

  it("a reliable stream arrives whole under loss, duplication and reordering", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World({ seed });
      const quality = { loss: 0.2, duplicate: 0.1, reorder: 0.3, jitter: 3 * MILLISECOND };
      const a = world.node("a", { addresses: ["192.0.2.1"], link: quality });
      const b = world.node("b", { addresses: ["192.0.2.2"] });
      let got = "";
      const ends: string[] = [];
      b.listen(
        () => ({
          onData: (data) => {
            got += text(data);
          },
          onEnd: (c) => c.end(),
          onClose: (cause) => ends.push(`b ${cause}`),
        }),
        { local: { port: 80 } },
      );
      const sent = "0123456789".repeat(2000);
      a.connect(
        {
          onOpen: (c) => {
            c.write(bytes(sent));
            c.end();
          },
          onData() {},
          onClose: (cause) => ends.push(`a ${cause}`),
        },
        { remote: { addr: "192.0.2.2", port: 80 } },
      );
      world.run();
      expect([seed, got === sent, ends.sort()]).toEqual([seed, true, ["a ended", "b ended"]]);
    }
  });

  it("RFC 9293 3.8.3: nobody answers a SYN, and the connection times out", () => {
    const world = pair();
    world.faults.partition(["a"], ["b"]);
    const causes: string[] = [];
    const begin = (timeout?: number) =>
      world.get("a").connect(
        { onData() {}, onClose: (cause, error) => causes.push(`${cause} ${error?.code}`) },
        {
          remote: { addr: "192.0.2.2", port: 80 },
          ...(timeout === undefined ? {} : { timeout }),
        },
      );
    begin(2 * SECOND);
    begin();
    world.run(3 * SECOND);
    expect(causes).toEqual(["timeout ETIMEDOUT"]);
    world.run();
    expect(causes).toHaveLength(2);
  });

  it("a reset that is injected ends both sides", () => {
    const world = pair();
    const causes: string[] = [];
    const open: TcpConnection[] = [];
    world.get("b").listen(
      (c) => {
        open.push(c);
        return { onData() {}, onClose: (cause) => causes.push(`b ${cause}`) };
      },
      { local: { port: 80 } },
    );
    world
      .get("a")
      .connect(
        { onData() {}, onClose: (cause) => causes.push(`a ${cause}`) },
        { remote: { addr: "192.0.2.2", port: 80 } },
      );
    world.run();
    world.faults.rst("a", "b");
    world.run();
    expect([open.length, causes.sort()]).toEqual([1, ["a reset", "b reset"]]);
  });

  it("RFC 9293 3.5.2: an old SYN that comes again opens nothing beside the connection that is", () => {
    const world = new World({ seed: 3 });
    world.node("a", { addresses: ["192.0.2.1"] });
    const listening = (): Engine => ({
      start: (host) => {
        host.listen(
          () => {
            accepted++;
            return { onOpen: () => {}, onData: () => {}, onClose: () => {} };
          },
          { local: { port: 7 } },
        );
      },
      stop: (_graceful, done) => done(),
    });
    world.node("b", { addresses: ["192.0.2.2"], boot: listening });
    let accepted = 0;
    let syn: Packet | undefined;
    world.faults.rule((packet, from) => {
      if (from === "a") syn ??= packet;
      return "pass";
    });
    const told: string[] = [];
    world.get("a").connect(
      {
        onOpen: () => told.push("open"),
        onData: () => {},
        onClose: (cause) => told.push(cause),
      },
      { remote: { addr: "192.0.2.2", port: 7 } },
    );
    world.run();
    world.faults.crash("b")();
    world.transmit(world.topology.get("a"), syn as Packet);
    world.run(world.now + 5 * SECOND);
    // The numbers of the client are of the connection before: b resets it, and accepts no other.
    expect([told, accepted]).toEqual([["open", "reset"], 1]);
  });
});

describe("determinism", () => {
  it("after all faults are undone the network is as it was made", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World({ seed });
      const names = ["n0", "n1"];
      for (const [i, name] of names.entries())
        world.node(name, { addresses: [`192.0.2.${i + 1}`], boot: echo(name) });
      world.faults.chaos({
        nodes: names,
        kinds: ["loss", "duplicate", "reorder", "corrupt", "partition", "clog", "crash", "pause"],
        every: 50 * MILLISECOND,
        longest: 400 * MILLISECOND,
      });
      world.run(3 * SECOND);
      world.faults.quiet();
      const after = ask(world, "n0", "192.0.2.2", 5);
      world.run(6 * SECOND);
      expect([seed, after]).toEqual([seed, ["n1:0", "n1:1", "n1:2", "n1:3", "n1:4"]]);
    }
  });

  it("equal seeds give equal digests, other seeds others", () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const first = seeds.map((seed) => chaosDigest(seed));
    expect(seeds.map((seed) => chaosDigest(seed))).toEqual(first);
    expect(new Set(first).size).toBe(seeds.length);
  });

  it("--shuffle draws the order of ties from the seed", () => {
    expect(chaosDigest(1, true)).toBe(chaosDigest(1, true));
    expect(chaosDigest(1, true)).not.toBe(chaosDigest(1));
  });

  it("what is kept of a lent datagram is seen to be dead", () => {
    const world = new World({ seed: 1 });
    world.node("a", { addresses: ["192.0.2.1"] });
    let kept = new Uint8Array(0);
    world.node("b", {
      addresses: ["192.0.2.2"],
      boot: () => ({
        start: (host) =>
          void host.udp(
            { onDatagram: (data) => (kept = data as Uint8Array<ArrayBuffer>) },
            { local: { port: 7 } },
          ),
        stop: (_g, done) => done(),
      }),
    });
    ask(world, "a", "192.0.2.2");
    world.run();
    expect([...kept]).toEqual([0xdd]);
  });

  it("a task awaits what the world resolves, and time stands still meanwhile", async () => {
    const world = new World({ seed: 1 });
    const { tasks } = world;
    const result = await world.settle(
      (async () => {
        await tasks.sleep(SECOND);
        const a = tasks.now();
        await Promise.all([tasks.sleep(2 * SECOND), tasks.sleep(SECOND)]);
        return [a, tasks.now()];
      })(),
    );
    expect(result).toEqual([SECOND, 3 * SECOND]);
    await expect(world.settle(tasks.wait(() => {}))).rejects.toThrow("never happen");
  });
});

/** What every world keeps: run by the live, the simulated and the replayed one. */
import { describe, expect, it } from "vitest";
import type {
  CloseCause,
  ConnectOptions,
  Host,
  NetError,
  TcpConnection,
  TcpHandler,
  TcpListener,
  UdpHandler,
  UdpSocket,
} from "../../src/engines/host.ts";
import { MILLISECOND } from "../../src/engines/host.ts";

export interface ContractWorld {
  /** Two hosts, or one that is both. */
  readonly a: Host;
  readonly b: Host;
  readonly bAddress: string;
  /** Runs the world until the promise is settled. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** A promise that the world may wait for. */
  wait<T>(begin: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T>;
  close(): void;
}

export interface ContractTls {
  readonly cert: string;
  readonly key: string;
  /** What a client must trust to accept `cert` for `localhost`. */
  readonly ca: string;
}

const text = (data: Uint8Array) => Buffer.from(data).toString("latin1");
const bytes = (value: string) => new Uint8Array(Buffer.from(value, "latin1"));

/** Writes down what a connection is told. */
class Log implements TcpHandler {
  readonly events: string[] = [];
  received = "";
  connection: TcpConnection | undefined;
  inCall = false;
  onEvent: ((event: string, connection: TcpConnection) => void) | undefined;

  private tell(event: string, connection: TcpConnection): void {
    this.connection = connection;
    this.events.push(event);
    this.inCall = true;
    this.onEvent?.(event, connection);
    this.inCall = false;
  }
  onOpen(c: TcpConnection): void {
    this.tell("open", c);
  }
  onData(data: Uint8Array, c: TcpConnection): void {
    this.received += text(data);
    this.tell("data", c);
  }
  onEnd(c: TcpConnection): void {
    this.tell("end", c);
  }
  onDrain(c: TcpConnection): void {
    this.tell("drain", c);
  }
  onClose(cause: CloseCause, error: NetError | null, c: TcpConnection): void {
    if (this.inCall) this.events.push("close inside a call");
    this.tell(`close ${cause}${error === null ? "" : ` ${error.code}`}`, c);
  }
}

export function worldContract(
  name: string,
  make: () => Promise<ContractWorld>,
  tls: ContractTls,
): void {
  const inWorld = (title: string, test: (world: ContractWorld) => Promise<void>) =>
    it(title, async () => {
      const world = await make();
      try {
        await world.settle(test(world));
      } finally {
        world.close();
      }
    });

  const bound = (world: ContractWorld, host: Host, handler: Partial<UdpHandler>, port = 0) =>
    world.wait<UdpSocket>((done, fail) => {
      host.udp(
        { onDatagram() {}, onUdpError: fail, ...handler, onBound: done },
        { local: { addr: host === world.b ? world.bAddress : world.bAddress, port } },
      );
    });

  const listening = (
    world: ContractWorld,
    accept: (connection: TcpConnection) => TcpHandler,
    options: { tls?: { cert: string; key: string; alpn?: readonly string[] } } = {},
  ) =>
    world.wait<TcpListener>((done, fail) => {
      world.b.listen(accept, {
        local: { addr: world.bAddress, port: 0 },
        onListening: done,
        onListenError: fail,
        ...options,
      });
    });

  /** A client that is run until it is closed. */
  const closed = (
    world: ContractWorld,
    options: ConnectOptions,
    onEvent?: (event: string, connection: TcpConnection) => void,
  ) =>
    world.wait<Log>((done) => {
      const log = new Log();
      log.onEvent = (event, connection) => {
        onEvent?.(event, connection);
        if (event.startsWith("close")) done(log);
      };
      world.a.connect(log, options);
    });

  /** Looks again and again, a millisecond apart. */
  const until = (world: ContractWorld, condition: () => boolean) =>
    world.wait<void>((done) => {
      const { clock } = world.a;
      const timer = clock.timer(() => {
        if (condition()) done(undefined);
        else timer.armAt(clock.now() + MILLISECOND);
      });
      timer.armAt(clock.now());
    });

  const echo = (log = new Log()): Log => {
    log.onEvent = (event, c) => {
      if (event === "data") {
        c.write(bytes(log.received));
        log.received = "";
      } else if (event === "end") c.end();
    };
    return log;
  };

  describe(`${name}: what every world keeps`, () => {
    inWorld("a datagram comes whole, with the address to answer to", async (world) => {
      const server = await bound(world, world.b, {
        onDatagram: (data, addr, port, socket) => socket.send(data.slice(), addr, port),
      });
      const answer = await world.wait<string>((done, fail) => {
        const client = world.a.udp({
          onDatagram: (data, addr, port) => done(`${text(data)} ${addr} ${port}`),
          onBound: (socket) => socket.send(bytes("hello"), world.bAddress, server.local.port),
          onUdpError: fail,
        });
        expect(client.local.port).toBeGreaterThanOrEqual(0);
      });
      expect(answer).toBe(`hello ${world.bAddress} ${server.local.port}`);
    });

    inWorld("what is sent before the socket is bound is not lost", async (world) => {
      const got = await world.wait<string>((done, fail) => {
        world.b.udp(
          {
            onDatagram: (data) => done(text(data)),
            onUdpError: fail,
            onBound: (server) => {
              world.a
                .udp({ onDatagram() {} })
                .send(bytes("early"), world.bAddress, server.local.port);
            },
          },
          { local: { addr: world.bAddress } },
        );
      });
      expect(got).toBe("early");
    });

    inWorld("RFC 768: a datagram above 65507 octets is a fault of use", async (world) => {
      const socket = await bound(world, world.b, {});
      expect(() => socket.send(new Uint8Array(65_508), world.bAddress, 9)).toThrow(RangeError);
    });

    inWorld("RFC 768: an answer to who sent from port 0 is dropped, not a fault", async (world) => {
      const socket = await bound(world, world.b, {});
      expect(socket.send(new Uint8Array(9), world.bAddress, 0)).toBe(false);
    });

    inWorld("RFC 1122 4.1.3.3: a connected socket hears that the port is closed", async (world) => {
      const free = await bound(world, world.b, {});
      const { port } = free.local;
      free.close();
      const error = await world.wait<NetError>((done) => {
        world.a.udp(
          {
            onDatagram() {},
            onBound: (socket) => socket.send(bytes("?"), world.bAddress, port),
            onUdpError: done,
          },
          { connect: { addr: world.bAddress, port } },
        );
      });
      expect(error.code).toBe("ECONNREFUSED");
    });

    inWorld("a port is bound once: EADDRINUSE", async (world) => {
      const first = await bound(world, world.b, {});
      const error = await bound(world, world.b, {}, first.local.port).then(
        () => undefined,
        (e: NetError) => e,
      );
      expect(error?.code).toBe("EADDRINUSE");
      const listener = await listening(world, () => new Log());
      const second = await world.wait<NetError>((done) => {
        world.b.listen(() => new Log(), {
          local: listener.local,
          onListenError: done,
        });
      });
      expect(second.code).toBe("EADDRINUSE");
    });

    inWorld("an address of somebody else cannot be bound", async (world) => {
      const error = await world.wait<NetError>((done) => {
        world.b.udp(
          { onDatagram() {}, onUdpError: done },
          { local: { addr: "192.0.2.77", port: 0 } },
        );
      });
      expect(error.code).toBe("EADDRNOTAVAIL");
    });

    inWorld("a stream is echoed and ends in both directions", async (world) => {
      const server = echo();
      const listener = await listening(world, () => server);
      const log = await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") {
          c.write(bytes("ab"), true);
          c.write(bytes("cd"));
        }
        if (event === "data") c.end();
      });
      expect(log.received).toBe("abcd");
      expect(log.events.at(-1)).toBe("close ended");
      expect(log.events).toContain("end");
      await until(world, () => server.events.at(-1) === "close ended");
      expect(listener.open).toBe(0);
    });

    inWorld("RFC 9293 3.6: after the peer's end we still may write", async (world) => {
      const server = new Log();
      server.onEvent = (event, c) => {
        if (event === "end") {
          c.write(bytes("late"));
          c.end();
        }
      };
      const listener = await listening(world, () => server);
      const log = await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") c.end();
      });
      expect(log.received).toBe("late");
      expect(log.events.at(-1)).toBe("close ended");
    });

    inWorld("nobody listens: refused, told once and not inside the call", async (world) => {
      const listener = await listening(world, () => new Log());
      const { local } = listener;
      listener.close();
      const log = await closed(world, { remote: local });
      expect(log.events).toEqual(["close refused ECONNREFUSED"]);
    });

    inWorld("the peer resets: ECONNRESET, and our own reset is local", async (world) => {
      const server = new Log();
      server.onEvent = (event, c) => {
        if (event === "data") c.reset();
      };
      const listener = await listening(world, () => server);
      const log = await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") c.write(bytes("x"));
      });
      expect(log.events.at(-1)).toBe("close reset ECONNRESET");
      await until(world, () => server.events.length > 2);
      expect(server.events.at(-1)).toBe("close local");
    });

    inWorld("8 MiB come in order, with drain after a full buffer", async (world) => {
      const size = 8 * 1024 * 1024;
      let reader: TcpConnection | undefined;
      let fulls = 0;
      let sum = 0;
      let count = 0;
      const server: TcpHandler = {
        onOpen: (c) => {
          reader = c;
          if (fulls === 0) c.pause();
        },
        onData: (data) => {
          for (let i = 0; i < data.length; i++) {
            if ((data[i] as number) !== ((count + i) * 7) % 251) sum++;
          }
          count += data.length;
        },
        onEnd: (c) => c.end(),
        onClose() {},
      };
      const listener = await listening(world, () => server);
      let at = 0;
      const pump = (c: TcpConnection) => {
        while (at < size) {
          const chunk = new Uint8Array(65_536);
          for (let i = 0; i < chunk.length; i++) chunk[i] = ((at + i) * 7) % 251;
          at += chunk.length;
          if (!c.write(chunk)) {
            fulls++;
            reader?.resume();
            return;
          }
        }
        c.end();
      };
      const log = await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open" || event === "drain") pump(c);
      });
      expect([log.events.at(-1), count, sum]).toEqual(["close ended", size, 0]);
      expect(fulls).toBeGreaterThan(0);
    });

    inWorld("a paused connection reads nothing until it goes on", async (world) => {
      const server = new Log();
      let paused = true;
      const order: string[] = [];
      server.onEvent = (event, c) => {
        if (event === "open") {
          c.pause();
          const timer = world.b.clock.timer(() => {
            paused = false;
            c.resume();
          });
          timer.armAt(world.b.clock.now() + 50 * MILLISECOND);
        }
        if (event === "data") order.push(paused ? "data while paused" : "data");
        if (event === "end") c.end();
      };
      const listener = await listening(world, () => server);
      await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") {
          c.write(bytes("wait"));
          c.end();
        }
      });
      expect([...new Set(order)]).toEqual(["data"]);
    });

    inWorld("a paused connection is not told of the end until it goes on", async (world) => {
      const server = new Log();
      const order: string[] = [];
      server.onEvent = (event, c) => {
        order.push(event);
        if (event === "data") {
          c.pause();
          const timer = world.b.clock.timer(() => {
            order.push("goes on");
            c.resume();
          });
          timer.armAt(world.b.clock.now() + 50 * MILLISECOND);
        }
        if (event === "end") c.end();
      };
      const listener = await listening(world, () => server);
      await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") {
          c.write(bytes("wait"));
          c.end();
        }
      });
      await until(world, () => order.length > 4);
      expect(order).toEqual(["open", "data", "goes on", "end", "close ended"]);
    });

    inWorld("an idle connection is closed when it was asked for", async (world) => {
      const listener = await listening(world, () => new Log());
      const log = await closed(world, { remote: listener.local }, (event, c) => {
        if (event === "open") c.setIdleTimeout(30 * MILLISECOND);
      });
      expect(log.events.at(-1)).toBe("close idle");
    });

    inWorld("timers fire in the order of their times; the past fires next", async (world) => {
      const { clock } = world.a;
      const order = await world.wait<number[]>((done) => {
        const fired: number[] = [];
        const fire = (n: number) => {
          fired.push(n);
          if (fired.length === 3) done(fired);
        };
        const now = clock.now();
        const moved = clock.timer(fire, 9);
        moved.armAt(now + 5 * MILLISECOND);
        clock.timer(fire, 3).armAt(now + 40 * MILLISECOND);
        clock.timer(fire, 2).armAt(now + 20 * MILLISECOND);
        clock.timer(fire, 1).armAt(now - 1);
        expect(moved.armed).toBe(true);
        moved.armAt(undefined);
        expect(moved.armed).toBe(false);
      });
      expect(order).toEqual([1, 2, 3]);
    });

    inWorld("deferred work runs after what is running, in order", async (world) => {
      const order = await world.wait<string[]>((done) => {
        const ran: string[] = [];
        world.a.clock.defer(() => ran.push("first"));
        world.a.clock.defer(() => done([...ran, "second"]));
        ran.push("call");
      });
      expect(order).toEqual(["call", "first", "second"]);
    });

    inWorld("random streams: forks are their own, numbers in range", async (world) => {
      const { random } = world.a;
      for (let i = 0; i < 100; i++) {
        expect(random.below(7)).toBeLessThan(7);
        expect(random.unit()).toBeLessThan(1);
      }
      const fill = new Uint8Array(64);
      random.fork("x").bytes(fill);
      expect(new Set(fill).size).toBeGreaterThan(8);
    });

    inWorld(
      "the disk keeps what is written, renames in one step, names what is missing",
      async (world) => {
        const { disk } = world.a;
        const open = (path: string, mode: "read" | "create") =>
          world.wait<import("../../src/engines/host.ts").DiskFile>((done, fail) =>
            disk.open(path, mode, (error, file) =>
              error === null && file !== undefined ? done(file) : fail(error as Error),
            ),
          );
        const step = (call: (done: (error: Error | null) => void) => void) =>
          world.wait<void>((done, fail) =>
            call((error) => (error === null ? done(undefined) : fail(error))),
          );
        await step((done) => disk.makeFolder("zones/sub", done));
        const file = await open("zones/sub/one.tmp", "create");
        await step((done) => file.write(0, bytes("hello world"), done));
        await step((done) => file.write(6, bytes("there"), done));
        await step((done) => file.sync(done));
        file.close();
        await step((done) => disk.rename("zones/sub/one.tmp", "zones/sub/one", done));
        const names = await world.wait<readonly string[]>((done, fail) =>
          disk.list("zones/sub", (error, list) =>
            error === null ? done(list ?? []) : fail(error),
          ),
        );
        expect(names).toEqual(["one"]);
        const again = await open("zones/sub/one", "read");
        const read = await world.wait<Uint8Array>((done, fail) =>
          again.read(0, 100, (error, data) =>
            error === null && data !== undefined ? done(data) : fail(error as Error),
          ),
        );
        again.close();
        expect(text(read)).toBe("hello there");
        await step((done) => disk.remove("zones/sub/one", done));
        const missing = await open("zones/sub/one", "read").then(
          () => "there",
          (error: { code: string }) => error.code,
        );
        expect(missing).toBe("ENOENT");
      },
    );

    inWorld("a folder is locked once; one that is not there cannot be", async (world) => {
      const { disk } = world.a;
      const locked = (folder: string) =>
        world.wait<string>((done) => disk.lock(folder, (error) => done(error?.code ?? "locked")));
      await world.wait<void>((done) => disk.makeFolder("store", () => done(undefined)));
      expect([await locked("store"), await locked("./store"), await locked("none")]).toEqual([
        "locked",
        "EBUSY",
        "ENOENT",
      ]);
    });

    inWorld("work is taken off the loop: hashes and compression", async (world) => {
      const run = (kind: "sha1" | "gzip" | "gunzip", data: Uint8Array) =>
        world.wait<Uint8Array>((done, fail) =>
          world.a.offload({ kind, data }, (error, result) =>
            error === null && result !== undefined ? done(result) : fail(error as Error),
          ),
        );
      const hash = await run("sha1", bytes("abc"));
      expect(Buffer.from(hash).toString("hex")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
      const packed = await run("gzip", bytes("abc".repeat(100)));
      expect(text(await run("gunzip", packed))).toBe("abc".repeat(100));
      const broken = await run("gunzip", bytes("no gzip")).then(
        () => false,
        () => true,
      );
      expect(broken).toBe(true);
    });

    inWorld(
      "RFC 8446: a stream over TLS, with the application protocol agreed on",
      async (world) => {
        const server = echo();
        const listener = await listening(world, () => server, {
          tls: { cert: tls.cert, key: tls.key, alpn: ["dot"] },
        });
        const log = await closed(
          world,
          { remote: listener.local, tls: { name: "localhost", ca: tls.ca, alpn: ["dot"] } },
          (event, c) => {
            if (event === "open") c.write(bytes("secret"));
            if (event === "data") c.end();
          },
        );
        expect(log.received).toBe("secret");
        expect(log.events.at(-1)).toBe("close ended");
      },
    );

    inWorld(
      "RFC 8446: TLS begins on a connection that is open, as behind a proxy",
      async (world) => {
        const listener = await listening(world, () => echo(), {
          tls: { cert: tls.cert, key: tls.key },
        });
        let opened = 0;
        const log = await closed(world, { remote: listener.local }, (event, c) => {
          if (event === "open" && opened++ === 0) c.secure({ name: "localhost", ca: tls.ca });
          else if (event === "open") c.write(bytes("secret"));
          if (event === "data") c.end();
        });
        expect([opened, log.received, log.events.at(-1)]).toEqual([2, "secret", "close ended"]);
      },
    );

    inWorld(
      "RFC 7858 4.2: a certificate that nobody trusts is refused before a byte is sent",
      async (world) => {
        const server = echo();
        const listener = await listening(world, () => server, {
          tls: { cert: tls.cert, key: tls.key },
        });
        const log = await closed(world, { remote: listener.local, tls: { name: "localhost" } });
        expect(log.events).toHaveLength(1);
        expect(log.events[0]).toMatch(/^close (refused|reset) /);
        expect(server.received).toBe("");
      },
    );
  });
}

/** The cells of the laboratory in the simulated world: what its TCP says that Linux takes. */
import type { Engine, Host, TcpConnection, TcpHandler } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";
import type { Cell } from "./lab.ts";
import { CONNECTIONS, queueOf } from "./lab.ts";

export interface Prediction {
  readonly ms: number;
  readonly dropsDown: number;
  readonly packetsDown: number;
}

/** Of what a server takes to answer, and a client to ask: see `HOST_MS`. */
export interface Hosts {
  readonly hostMs: number;
  readonly headBytes: number;
}

/** What the two hosts of the laboratory take together for a request and its answer. */
export const HOST_MS = 0.45;

/** As client.c writes them: they differ in the digits of the path only. */
const REQUEST_BYTES = 80;
const SERVER = "10.77.0.2";
const PORT = 80;
const LONGEST = 400 * SECOND;

export function predict(cell: Cell, { hostMs, headBytes }: Hosts): Prediction {
  const world = new World({ seed: 1, delay: 0 });
  world.router("far");
  world.node("server", {
    addresses: [SERVER],
    at: "far",
    link: { delay: 0 },
    boot: () => new Server(cell, hostMs, headBytes + cell.bytes),
  });
  const client = new Client(cell, headBytes + cell.bytes);
  world.node("client", {
    addresses: ["10.77.0.1"],
    at: "far",
    link: {
      delay: (cell.rttMs * MILLISECOND) / 2,
      rate: cell.rateMbps * 1e6,
      queue: queueOf(cell),
    },
    boot: () => client,
  });
  world.run(LONGEST);
  if (client.endedAt === undefined) throw new Error("the simulated fetch did not end");
  const down = world.topology.linksBetween("far", "client").find(({ from }) => from.name === "far");
  return {
    ms: (client.endedAt - client.startedAt) / MILLISECOND,
    dropsDown: down?.queue.drops ?? 0,
    packetsDown: down?.queue.packets ?? 0,
  };
}

const closes = ({ strategy }: Cell): boolean => strategy === "serial" || strategy === "concurrent";

/** Answers whole requests, those that came together in one turn, corked as nginx does. */
class Server implements Engine {
  private readonly cell: Cell;
  private readonly hostMs: number;
  private readonly answer: Uint8Array;

  constructor(cell: Cell, hostMs: number, bytes: number) {
    this.cell = cell;
    this.hostMs = hostMs;
    this.answer = new Uint8Array(bytes);
  }

  start(host: Host): void {
    host.listen((c) => this.serve(host, c), { local: { addr: SERVER, port: PORT } });
  }

  private serve(host: Host, c: TcpConnection): TcpHandler {
    c.setNoDelay(true);
    let octets = 0;
    let answered = 0;
    let busy = false;
    const due = () => Math.floor(octets / REQUEST_BYTES) - answered;
    const timer = host.clock.timer(() => {
      const count = due();
      answered += count;
      for (let i = 1; i <= count; i++) c.write(this.answer, i < count);
      busy = false;
      if (closes(this.cell)) c.end();
      think();
    });
    const think = () => {
      if (busy || due() === 0) return;
      busy = true;
      timer.armAt(host.clock.now() + this.hostMs * MILLISECOND);
    };
    return {
      onData: (data) => {
        octets += data.length;
        think();
      },
      onEnd: (ended) => ended.end(),
      onClose: () => {},
    };
  }

  stop(_graceful: boolean, done: () => void): void {
    done();
  }
}

class Client implements Engine {
  startedAt = 0;
  endedAt: number | undefined = undefined;
  private readonly cell: Cell;
  private readonly bytes: number;
  private host!: Host;
  private asked = 0;
  private come = 0;

  constructor(cell: Cell, bytes: number) {
    this.cell = cell;
    this.bytes = bytes;
  }

  start(host: Host): void {
    this.host = host;
    this.startedAt = host.clock.now();
    const { strategy } = this.cell;
    if (strategy.startsWith("pipelined")) this.pipeline();
    else {
      const lanes = strategy.startsWith("concurrent") ? CONNECTIONS : 1;
      for (let i = 0; i < lanes; i++) this.lane();
    }
  }

  private connect(handler: TcpHandler): void {
    this.host.connect(handler, { remote: { addr: SERVER, port: PORT } });
  }

  private ask(c: TcpConnection, count: number): void {
    this.asked += count;
    c.write(new Uint8Array(REQUEST_BYTES * count));
  }

  private got(): void {
    if (++this.come === this.cell.n) this.endedAt = this.host.clock.now();
  }

  private pipeline(): void {
    const { n, strategy } = this.cell;
    let octets = 0;
    let warm = strategy === "pipelined-warm";
    this.connect({
      onOpen: (c) => {
        c.setNoDelay(true);
        this.ask(c, n);
      },
      onData: (data, c) => {
        octets += data.length;
        if (octets < n * this.bytes) return;
        octets = 0;
        this.endedAt = this.host.clock.now();
        if (!warm) return;
        warm = false;
        this.startedAt = this.endedAt;
        this.ask(c, n);
      },
      onClose: () => {},
    });
  }

  /** One connection after the other, or one that is kept. */
  private lane(): void {
    if (this.asked >= this.cell.n) return;
    this.asked++;
    let octets = 0;
    this.connect({
      onOpen: (c) => {
        c.setNoDelay(true);
        c.write(new Uint8Array(REQUEST_BYTES));
      },
      onData: (data, c) => {
        octets += data.length;
        if (octets < this.bytes) return;
        octets = 0;
        this.got();
        if (closes(this.cell)) {
          c.end();
          this.lane();
        } else if (this.asked < this.cell.n) this.ask(c, 1);
      },
      onEnd: (c) => c.end(),
      onClose: () => {},
    });
  }

  stop(_graceful: boolean, done: () => void): void {
    done();
  }
}

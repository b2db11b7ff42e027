/** Long flows of other users over the bottleneck, and what a page's connections do to them. */
import type { Host, Nanos, TcpConnection } from "../engines/host.ts";
import { MILLISECOND, SECOND } from "../engines/host.ts";
import type { World } from "../net/simulated/world.ts";

/** What the other users had of the link. */
export interface Others {
  readonly flows: number;
  /** Share of the link that the page took while it loaded. */
  readonly pageShare: number;
  /** Rate of all others before, over their rate while the page loaded. */
  readonly slowdown: number;
  /** Of theirs: segments sent again while the page loaded. */
  readonly retransmissions: number;
}

const USER_PREFIX = "203.0.113.";
const SERVER = "192.0.2.100";
const PORT = 9;
/** They begin one after the other, and have found their share when the page comes. */
const APART = 50 * MILLISECOND;
const SETTLED = 5 * SECOND;
const CHUNK = new Uint8Array(64 * 1024);

export class Background {
  private readonly world: World;
  private readonly flows: number;
  private bytes = 0;
  private startedAt: Nanos = 0;
  private settledAt: Nanos = 0;
  private settledBytes = 0;
  private pageAt: Nanos = 0;
  private pageBytes = 0;
  private resentBefore = 0;

  /** `user`: the router that users and the page's client share; `server`: where their servers are. */
  constructor(world: World, flows: number, user: string, server: string) {
    this.world = world;
    this.flows = flows;
    world.node("others' server", {
      addresses: [SERVER],
      at: server,
      link: { delay: 0 },
      boot: (host) => program(() => serve(host)),
    });
    for (let i = 0; i < flows; i++) {
      world.node(`user ${i}`, {
        addresses: [`${USER_PREFIX}${1 + i}`],
        at: user,
        link: { delay: 0 },
        boot: (host) => program(() => this.use(host, i)),
      });
    }
  }

  private use(host: Host, i: number): void {
    const begin = () =>
      host.connect(
        {
          onData: (data) => {
            this.bytes += data.length;
          },
          onClose: () => {},
        },
        { remote: { addr: SERVER, port: PORT } },
      );
    host.clock.timer(begin).armAt(host.clock.now() + i * APART);
  }

  /** Lets them run until they share the link. */
  settle(): void {
    const { world } = this;
    world.run(world.now + this.flows * APART + SETTLED);
    this.startedAt = world.now;
    const before = this.bytes;
    world.run(world.now + SETTLED);
    this.settledAt = world.now;
    this.settledBytes = this.bytes - before;
  }

  pageBegins(): void {
    this.pageAt = this.world.now;
    this.pageBytes = this.bytes;
    this.resentBefore = this.resent();
  }

  private resent(): number {
    return this.world.get("others' server").resentAt.length;
  }

  /** `took`: octets of the page on the link; `rate` of it in octets a second. */
  account(took: number, rate: number): Others {
    const time = this.world.now - this.pageAt;
    const before = this.settledBytes / (this.settledAt - this.startedAt);
    const during = (this.bytes - this.pageBytes) / time;
    return {
      flows: this.flows,
      pageShare: Math.round((took / ((rate * time) / SECOND)) * 1000) / 1000,
      slowdown: during > 0 ? Math.round((before / during) * 1000) / 1000 : 0,
      retransmissions: this.resent() - this.resentBefore,
    };
  }
}

function program(start: () => void) {
  return { start, stop: (_graceful: boolean, done: () => void) => done() };
}

/** Sends for as long as anybody takes it. */
function serve(host: Host): void {
  const pump = (c: TcpConnection) => {
    while (c.write(CHUNK));
  };
  host.listen(() => ({ onOpen: pump, onDrain: pump, onData: () => {}, onClose: () => {} }), {
    local: { addr: SERVER, port: PORT },
  });
}

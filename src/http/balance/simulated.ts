/**
 * `http balance --simulated`: many clients of one virtual address, three machines behind a balancer of
 * packets; which connections break, by how packets are spread and what changes meanwhile.
 */
import type { Host, TcpConnection } from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import type { PacketPolicy } from "../../net/simulated/balancer.ts";
import { PacketBalancer } from "../../net/simulated/balancer.ts";
import { World } from "../../net/simulated/world.ts";
import { aligned } from "../../render/table.ts";

const ADDRESS = "203.0.113.1";
const MACHINES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const WORDS = 5;
const PAUSE = 100 * MILLISECOND;

export type Change = "none" | "one added" | "one removed";

export interface Row {
  readonly policy: PacketPolicy;
  readonly mode: "nat" | "direct";
  readonly change: Change;
  readonly connections: number;
  readonly broken: number;
  /** What the hash moves to another machine by the change, or loses with the machine. */
  readonly predicted: number;
  readonly machines: Readonly<Record<string, number>>;
}

const POLICIES: readonly PacketPolicy[] = ["connection-table", "hash", "per-packet"];

export function allRows(connections: number, seed: number): Row[] {
  const rows: Row[] = [];
  for (const mode of ["nat", "direct"] as const) {
    for (const policy of POLICIES) {
      const changes: readonly Change[] =
        policy === "per-packet" ? ["none"] : ["none", "one added", "one removed"];
      for (const change of changes) rows.push(run(policy, mode, change, connections, seed));
    }
  }
  return rows;
}

interface Talk {
  readonly connection: TcpConnection;
  heard: string;
  ended: boolean;
}

function run(
  policy: PacketPolicy,
  mode: "nat" | "direct",
  change: Change,
  connections: number,
  seed: number,
): Row {
  const world = new World({ seed, delay: 5 * MILLISECOND });
  const box = new PacketBalancer({ address: ADDRESS, policy, mode, machines: MACHINES });
  world.router("balancer", { box, addresses: [ADDRESS] });
  world.link("balancer", "core");
  const machine = (address: string) => echo(world, address, mode);
  for (const address of MACHINES) machine(address);
  const client = world.node("clients", { addresses: ["198.51.100.1"] });
  const talks = Array.from({ length: connections }, () => talk(client));
  world.run(2 * PAUSE);
  const homes = talks.map((one) => home(box, one));
  if (change === "one added") {
    machine("10.0.0.4");
    box.add("10.0.0.4");
  } else if (change === "one removed") {
    box.remove("10.0.0.3");
    world.get("10.0.0.3").crash();
  }
  const moved = talks.filter((one, i) => home(box, one) !== homes[i]).length;
  world.run(60 * SECOND);
  // A table keeps what a machine more would move; with a machine less its connections are lost.
  const spared = policy === "connection-table" && change === "one added";
  const predicted = policy === "per-packet" ? connections : spared ? 0 : moved;
  return {
    policy,
    mode,
    change,
    connections,
    broken: talks.filter((one) => !whole(one)).length,
    predicted,
    machines: Object.fromEntries([...box.counts].sort()),
  };
}

function home(box: PacketBalancer, { connection }: Talk): string | undefined {
  const { addr, port } = connection.local;
  return box.hashed({ protocol: 6, src: addr, sport: port, dst: ADDRESS, dport: 80 });
}

/** Answers each word with its own address. */
function echo(world: World, address: string, mode: "nat" | "direct"): void {
  world.node(address, {
    addresses: [address],
    ...(mode === "direct" ? { quiet: [ADDRESS] } : { at: "balancer" }),
    boot: (host) => ({
      start: () => {
        host.listen(
          () => ({
            onData: (data, connection) => {
              connection.write(new Uint8Array(Buffer.from(`${address} ${Buffer.from(data)}`)));
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

function talk(client: Host): Talk {
  let said = 0;
  const timer = client.clock.timer(() => say());
  const say = () => {
    if (said++ === WORDS) {
      one.connection.end();
      return;
    }
    one.connection.write(new Uint8Array(Buffer.from(`${said};`)));
    timer.armAt(client.clock.now() + PAUSE);
  };
  const connection = client.connect(
    {
      onOpen: say,
      onData: (data) => {
        one.heard += Buffer.from(data).toString("latin1");
      },
      onClose: (cause) => {
        one.ended = cause === "ended";
        timer.armAt(undefined);
      },
    },
    { remote: { addr: ADDRESS, port: 80 }, timeout: 5 * SECOND },
  );
  const one: Talk = { connection, heard: "", ended: false };
  return one;
}

/** All its words came back, and from one machine. */
function whole({ heard, ended }: Talk): boolean {
  const words = heard.split(";").slice(0, -1);
  const from = words[0]?.split(" ")[0];
  return ended && words.length === WORDS && words.every((word, i) => word === `${from} ${i + 1}`);
}

export function renderRows(rows: readonly Row[]): string {
  const lines = rows.map(({ policy, mode, change, connections, broken, predicted, machines }) => {
    const spread = Object.values(machines).join(" ");
    return [mode, policy, change, `${broken} of ${connections}`, String(predicted), spread];
  });
  const heads = ["mode", "packets go by", "machines", "broken", "predicted", "packets to each"];
  return `${aligned(heads, lines).join("\n")}\n`;
}

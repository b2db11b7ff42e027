/** How fast the simulated world is: datagrams, TCP, timers, and the whole comparison of a page. npm run bench:net */
import type { Host, TcpConnection, UdpSocket } from "../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../src/engines/host.ts";
import type { WorkloadPage } from "../../src/engines/replay/workload.ts";
import { EventQueue } from "../../src/net/event-queue.ts";
import { Xoshiro } from "../../src/net/random.ts";
import type { FlowNode } from "../../src/net/simulated/flow/network.ts";
import { FlowNetwork } from "../../src/net/simulated/flow/network.ts";
import { World } from "../../src/net/simulated/world.ts";
import { assume } from "../../src/replay/options.ts";
import { predict } from "../../src/replay/predict.ts";
import { FLAGS, pageWorkload } from "../../test/engines/replay/page.ts";

const PAIRS = 100;
const MESSAGES = 2_000_000;
const FLOWS = 20;
const PENDING = 10_000;
const TIMERS = 3_000_000;
const FLOW_ENDS = 200_000;
const CHUNK = new Uint8Array(64 * 1024);

function messages(): number {
  const world = new World({ seed: 1, delay: MILLISECOND });
  const query = new Uint8Array(40);
  let left = MESSAGES;
  for (let i = 0; i < PAIRS; i++) {
    const server = world.node(`server${i}`, { addresses: [`10.0.${i}.1`] });
    const client = world.node(`client${i}`, { addresses: [`10.1.${i}.1`] });
    server.udp(
      { onDatagram: (data, addr, port, socket) => void socket.send(data.slice(), addr, port) },
      { local: { port: 53 } },
    );
    const next = (socket: UdpSocket) => {
      if (left-- > 0) socket.send(query, `10.0.${i}.1`, 53);
    };
    const socket = client.udp({ onDatagram: (_data, _addr, _port, s) => next(s) });
    for (let n = 0; n < 10; n++) next(socket);
  }
  const started = process.cpuUsage();
  world.run();
  const { user, system } = process.cpuUsage(started);
  return world.delivered / ((user + system) / 1e6);
}

/** Both ways: each packet is an event where it is serialised, and one where it arrives. */
function tcpPackets(): number {
  const world = new World({ seed: 1, delay: 0 });
  const engine = (start: () => void) => ({ start, stop: (_: boolean, done: () => void) => done() });
  const pump = (c: TcpConnection) => {
    while (c.write(CHUNK));
  };
  const serve = (host: Host) =>
    host.listen(() => ({ onOpen: pump, onDrain: pump, onData() {}, onClose() {} }), {
      local: { addr: "10.0.0.1", port: 80 },
    });
  world.node("server", {
    addresses: ["10.0.0.1"],
    link: { delay: 0 },
    boot: (host) => engine(() => void serve(host)),
  });
  for (let i = 0; i < FLOWS; i++) {
    const fetch = (host: Host) =>
      host.connect({ onData() {}, onClose() {} }, { remote: { addr: "10.0.0.1", port: 80 } });
    world.node(`client${i}`, {
      addresses: [`10.1.0.${i + 1}`],
      link: { delay: 10 * MILLISECOND, rate: 20e6, queue: 60_000 },
      boot: (host) => engine(() => void fetch(host)),
    });
  }
  const started = process.cpuUsage();
  world.run(20 * SECOND);
  const { user, system } = process.cpuUsage(started);
  return (2 * world.sent) / ((user + system) / 1e6);
}

/** Timers that are armed again as they fire, 10^4 of them pending. */
function timers(): number {
  const queue = new EventQueue();
  let state = 1;
  let now = 0;
  const again = (step: number) => {
    state = (state * 48_271) % 2_147_483_647;
    queue.at(now + 1 + (state % 1_000_000), again, step, undefined);
  };
  for (let i = 0; i < PENDING; i++) again(i);
  const started = process.cpuUsage();
  for (let i = 0; i < TIMERS; i++) {
    now = queue.next() as number;
    queue.fire();
  }
  const { user, system } = process.cpuUsage(started);
  return TIMERS / ((user + system) / 1e6);
}

/** Fluid transfers among 10^4 nodes: beginnings and ends. */
function flows(): number {
  const network = new FlowNetwork(0.01);
  const random = new Xoshiro(1);
  const nodes = Array.from({ length: PENDING }, () =>
    network.node(100_000 + random.below(900_000), 1_000_000 + random.below(4_000_000)),
  );
  const pick = () => nodes[random.below(PENDING)] as FlowNode;
  let left = FLOW_ENDS;
  const next = () => {
    if (left-- > 0) network.start(pick(), pick(), 100_000 + random.below(1_000_000), next);
  };
  for (let i = 0; i < 2 * PENDING; i++) network.at(i * 10_000, next);
  const started = process.cpuUsage();
  network.run();
  const { user, system } = process.cpuUsage(started);
  return (2 * network.finished) / ((user + system) / 1e6);
}

/** A page of 50 objects by every strategy from every placement: seconds of CPU. */
function comparison(): number {
  const workload = pageWorkload();
  const [page] = workload.pages as [WorkloadPage];
  const first = page.objects[1];
  if (first === undefined) throw new Error("a page without objects");
  const more = Array.from({ length: 38 }, (_, i) => ({
    ...first,
    id: 12 + i,
    url: `http://www.example.test/more${i}.png`,
    bodyBytes: 3000 + 500 * i,
  }));
  const larger = { ...workload, pages: [{ ...page, objects: [...page.objects, ...more] }] };
  const { options } = assume(larger, FLAGS, "bench");
  const started = process.cpuUsage();
  predict(larger, options);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

const best = (measure: () => number) => Math.max(...Array.from({ length: 3 }, measure));
const rounds = Array.from({ length: 3 }, messages);
process.stdout.write(
  `simulated world                    ${(Math.max(...rounds) / 1e6).toFixed(2)} M messages/s of CPU (target >= 1.00)\n`,
);
process.stdout.write(
  `TCP, packet by packet              ${(best(tcpPackets) / 1e6).toFixed(2)} M packet events/s of CPU (target >= 0.30)
timers, 10^4 pending               ${(best(timers) / 1e6).toFixed(2)} M/s of CPU (target >= 2.00)
fluid transfers, 10^4 nodes        ${(best(flows) / 1e3).toFixed(0)} k events/s of CPU (target >= 50)
a page of 50 objects, 54 ways      ${(-best(() => -comparison())).toFixed(2)} s of CPU (target <= 2.00)
`,
);

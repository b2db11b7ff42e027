/** How fast the simulated world is: datagrams a second between pairs that answer each other, and timers. npm run bench:net */
import type { UdpSocket } from "../../src/engines/host.ts";
import { MILLISECOND } from "../../src/engines/host.ts";
import { World } from "../../src/net/simulated/world.ts";

const PAIRS = 100;
const MESSAGES = 2_000_000;

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

const rounds = Array.from({ length: 3 }, messages);
process.stdout.write(
  `simulated world                    ${(Math.max(...rounds) / 1e6).toFixed(2)} M messages/s of CPU (target >= 1.00)\n`,
);

/**
 * A port that nothing has for UDP and TCP, drawn from below those that the system gives to clients: one
 * of theirs would be taken again before a peer that is told of it has started.
 */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const FIRST = 10_000;
const LAST = 32_000;
const TRIES = 100;

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("error", () => resolve(false));
    socket.bind(port, "127.0.0.1", () => socket.close(() => resolve(true)));
  });
}

function tcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FIRST, LAST);
    if ((await udpFree(port)) && (await tcpFree(port))) return port;
  }
  throw new Error("no port is free");
}

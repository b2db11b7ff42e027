/** The addresses of this machine. */
import { networkInterfaces } from "node:os";

const EACH = { "0.0.0.0": "IPv4", "::": "IPv6" } as const;

/**
 * What a wildcard address stands for; another stands for itself. A datagram that came to a wildcard
 * socket is answered from the address that the routes prefer, and Node does not tell to which it
 * came: a client then takes the answer for a forgery (RFC 2181 4.1). So each has a socket of its own.
 */
export function eachAddress(addr: string): readonly string[] {
  const family = EACH[addr as keyof typeof EACH];
  if (family === undefined) return [addr];
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // Link-local ones are of an interface, which an address alone does not name.
  const found = all.filter((one) => one.family === family && !one.address.startsWith("fe80:"));
  return found.length === 0 ? [addr] : found.map(({ address }) => address);
}

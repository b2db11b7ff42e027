/** The live world: engines on this machine's sockets, clock and disk. */

export { LiveHost } from "./host.ts";

/** Where something is, as people and URIs write it. */
import type { Endpoint } from "../host.ts";

/** `192.0.2.1:80`, `[2001:db8::1]:80`; a socket of the file system by its path. RFC 3986 3.2.2 */
export function placeOf({ addr, port }: Endpoint): string {
  if (addr.startsWith("/")) return addr;
  return addr.includes(":") ? `[${addr}]:${port}` : `${addr}:${port}`;
}

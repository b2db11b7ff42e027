/** Whom a conformance run talks to. */
import { isIP } from "node:net";
import type { Endpoint } from "../engines/host.ts";
import { CommandError } from "../failure.ts";

/** `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53`, `2001:db8::1`. @throws CommandError */
export function endpointOf(text: string, usual: number): Endpoint {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(text);
  const addr = parts?.[1] ?? parts?.[2] ?? text;
  const port = Number(parts?.[3] ?? usual);
  if (isIP(addr) === 0 || port < 1 || port > 65_535)
    throw new CommandError(`${text}: not ADDRESS:PORT`);
  return { addr, port };
}

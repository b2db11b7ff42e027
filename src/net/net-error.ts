/** Errors of the network in the form that Node gives them, for all worlds. */
import type { Endpoint, NetError } from "../engines/host.ts";

export function netError(code: string, syscall: string, remote?: Endpoint): NetError {
  const where = remote === undefined ? "" : ` ${remote.addr}:${remote.port}`;
  return Object.assign(new Error(`${syscall} ${code}${where}`), { code, syscall, remote });
}

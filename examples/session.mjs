/**
 * Visits counted for each client by a cookie, in the memory of this process:
 *
 *   netkit http serve --module examples/session.mjs --listen 127.0.0.1:8080
 *   netkit http fetch http://127.0.0.1:8080/ --cookie-jar jar -o -
 *
 * Behind a balancer each server counts for itself, unless a client always comes to the same one.
 */
import { randomUUID } from "node:crypto";

const visits = new Map();
const server = process.env.NAME ?? String(process.pid);

export default function session({ path, headers }) {
  if (path !== "/") return undefined;
  const id = /(?:^|;\s*)session=([0-9a-f-]{36})/.exec(headers.cookie ?? "")?.[1];
  const known = id !== undefined && visits.has(id);
  const session = known ? id : randomUUID();
  const count = (visits.get(session) ?? 0) + 1;
  visits.set(session, count);
  return {
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "private, no-store",
      ...(known ? {} : { "Set-Cookie": `session=${session}; Path=/; HttpOnly; SameSite=Lax` }),
    },
    body: `visit ${count} at server ${server}${id !== undefined && !known ? " (session unknown here)" : ""}\n`,
  };
}

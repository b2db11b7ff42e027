/** `--admin`: how the machines are, and POST to drain one or take it back. */
import { percentDecode } from "../../codecs/http/uri.ts";
import { utf8Bytes } from "../../codecs/writer.ts";
import type { Backends } from "../../engines/balance/backends.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";

const JSON_TYPE = [{ name: "Content-Type", value: "application/json" }];

/** `GET /backends`; `POST /backends/ID/drain` and `/enable`. */
export function adminHandler(backends: Backends): RequestHandler {
  return (exchange) => {
    const { method, target } = exchange.request;
    const [, place, name, action] = target.split("/");
    if (place !== "backends") {
      exchange.respondError(404, "see /backends");
      return;
    }
    if (name === undefined || name === "") {
      exchange.respond({ statusCode: 200, fields: JSON_TYPE }, utf8Bytes(`${stateOf(backends)}\n`));
      return;
    }
    const backend = backends.get(percentDecode(name) ?? "");
    if (backend === undefined || (action !== "drain" && action !== "enable")) {
      exchange.respondError(404, "POST /backends/ADDRESS:PORT/drain or /enable");
      return;
    }
    if (method !== "POST") {
      exchange.respond({ statusCode: 405, fields: [{ name: "Allow", value: "POST" }] });
      return;
    }
    backend.draining = action === "drain";
    exchange.respond({ statusCode: 200, fields: JSON_TYPE }, utf8Bytes(`${stateOf(backends)}\n`));
  };
}

function stateOf(backends: Backends): string {
  const all = backends.all.map(({ id, weight, up, draining, active, served, failed }) => ({
    id,
    weight,
    up,
    draining,
    active,
    served,
    failed,
  }));
  return JSON.stringify({ policy: backends.policy, backends: all });
}

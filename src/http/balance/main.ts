/** `netkit http balance`: one address, several machines. */
import { isIP } from "node:net";
import type { BackendOptions, Policy } from "../../engines/balance/backends.ts";
import { Backends } from "../../engines/balance/backends.ts";
import { HEALTH, HealthChecks } from "../../engines/balance/health.ts";
import { HttpBalancer } from "../../engines/balance/http.ts";
import type { BalancerEvents } from "../../engines/balance/tcp.ts";
import { TcpBalancer } from "../../engines/balance/tcp.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { HttpServer } from "../../engines/http/server.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { millisOf } from "../durations.ts";
import type { ListenFlags } from "../listen.ts";
import {
  announce,
  listenAddress,
  listenAddresses,
  say,
  started,
  stopped,
  stopSignal,
} from "../listen.ts";
import { adminHandler } from "./admin.ts";
import { allRows, renderRows } from "./simulated.ts";

export interface BalanceFlags extends ListenFlags {
  readonly backend: readonly string[];
  readonly mode: string;
  readonly policy: string;
  readonly affinity: boolean;
  readonly health?: string | undefined;
  readonly "health-interval": string;
  readonly admin?: string | undefined;
  readonly log: boolean;
  readonly json: boolean;
  readonly simulated: boolean;
  readonly connections: number;
}

export async function balance(flags: BalanceFlags): Promise<number> {
  if (flags.simulated) {
    const rows = allRows(flags.connections, 1);
    process.stdout.write(flags.json ? `${JSON.stringify({ rows })}\n` : renderRows(rows));
    return EXIT.done;
  }
  if (flags.backend.length === 0)
    throw new CommandError("http balance: name machines with --backend; see --help");
  if (flags["listen-tls"].length > 0 && flags.mode === "tcp") {
    throw new CommandError("--listen-tls needs --mode http: connections pass as they are");
  }
  if (flags.affinity && flags.mode === "tcp") {
    throw new CommandError(
      "--affinity needs --mode http: a cookie is not seen in connections; use --policy hash",
    );
  }
  const names = flags.backend.map((text) => text.replace(/\*.*$/, ""));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new CommandError(`--backend ${twice}: named twice; a weight follows as ${twice}*2`);
  if (flags.health !== undefined && !/^\/[!-~]*$/.test(flags.health))
    throw new CommandError(`--health ${flags.health}: write it as /PATH`);
  const interval = millisOf("health-interval", flags["health-interval"]);
  if (interval < 10)
    throw new CommandError(`--health-interval ${flags["health-interval"]}: 10ms at least`);
  const backends = new Backends(flags.policy as Policy, flags.backend.map(backendOf));
  const host = new LiveHost();
  const events: BalancerEvents = {
    ...(flags.log
      ? {
          onAssigned: (client, { id }) =>
            process.stderr.write(`${client.addr}:${client.port} ${id}\n`),
        }
      : {}),
    onFailure: ({ id }, why, last) => say(`${id}: ${why}${last ? "" : "; another is tried"}`),
  };
  const listen = listenAddresses(flags, "127.0.0.1:8000");
  try {
    const { engine, at } = await started(host, (listens) => {
      if (flags.mode === "tcp") return new TcpBalancer({ listen, backends, events, ...listens });
      const balancer = new HttpBalancer(host, { backends, affinity: flags.affinity, events });
      return new HttpServer((exchange) => balancer.handle(exchange), { listen, ...listens });
    });
    const checks = new HealthChecks(
      host,
      backends,
      {
        ...HEALTH,
        path: flags.health,
        interval: interval * MILLISECOND,
      },
      ({ id, up }, why) => say(`${id} is ${up ? "up" : "down"}: ${why}`),
    );
    const admin =
      flags.admin === undefined
        ? undefined
        : await started(host, (listens) => {
            const address = [listenAddress(flags.admin as string, "--admin")];
            return new HttpServer(adminHandler(backends), { listen: address, ...listens });
          });
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(`balancing ${backends.all.length} machines`, at, flags.json);
    if (admin !== undefined) announce("administration", admin.at, false);
    await told;
    checks.stop();
    await Promise.all([stopped(engine), ...(admin === undefined ? [] : [stopped(admin.engine)])]);
    return EXIT.done;
  } finally {
    host.stop();
  }
}

/** `ADDRESS:PORT`, or `ADDRESS:PORT*WEIGHT`. @throws CommandError */
function backendOf(text: string): BackendOptions {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})(?:\*([0-9]{1,3}))?$/.exec(text);
  const addr = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const weight = Number(match?.[4] ?? 1);
  if (match === null || isIP(addr) === 0 || port < 1 || port > 65_535 || weight < 1) {
    throw new CommandError(`--backend ${text}: write it as ADDRESS:PORT or ADDRESS:PORT*WEIGHT`);
  }
  return { id: text.replace(/\*.*$/, ""), at: { addr, port }, weight };
}

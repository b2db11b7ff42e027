/** `netkit http balance`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { tlsListenFlags } from "../../http/listen-flags.ts";
import { many } from "../../repeated.ts";

export default class HttpBalance extends NetkitCommand {
  static override summary =
    "One address, several machines: a balancer of requests or of connections.";
  static override description =
    "Machines are checked by a connection (or --health PATH) and passed over while they are down; in mode http a request that no machine has seen, or that may be repeated, goes to another one. --simulated shows at the level of packets which connections break. SIGTERM finishes what is in flight.";
  static override examples = [
    "<%= config.bin %> http balance --backend 127.0.0.1:8081 --backend 127.0.0.1:8082*2 --listen 127.0.0.1:8000",
    "<%= config.bin %> http balance --backend 127.0.0.1:8081 --backend 127.0.0.1:8082 --affinity --health /",
    "<%= config.bin %> http balance --backend 127.0.0.1:8081 --backend 127.0.0.1:8082 --mode tcp --policy hash",
    "<%= config.bin %> http balance --backend 127.0.0.1:8081 --admin 127.0.0.1:8001    # POST /backends/127.0.0.1:8081/drain",
    "<%= config.bin %> http balance --simulated",
  ];
  static override flags = {
    backend: Flags.string({
      ...many,
      helpValue: "ADDRESS:PORT[*WEIGHT]",
      description: "a machine behind; may repeat",
    }),
    listen: Flags.string({
      ...many,
      helpValue: "ADDRESS:PORT",
      description: "where clients come [default: 127.0.0.1:8000]",
    }),
    ...tlsListenFlags,
    mode: Flags.string({
      options: ["http", "tcp"],
      default: "http",
      description: "requests, or whole connections",
    }),
    policy: Flags.string({
      options: ["round-robin", "least-connections", "hash"],
      default: "round-robin",
      description: "whose turn it is; hash: by the client's address",
    }),
    affinity: Flags.boolean({ description: "a cookie brings each client back to its machine" }),
    health: Flags.string({
      helpValue: "PATH",
      description: "GET this, where 2xx and 3xx are well",
    }),
    "health-interval": Flags.string({ default: "2s", description: "time between checks" }),
    admin: Flags.string({
      helpValue: "ADDRESS:PORT",
      description: "GET /backends; POST /backends/ID/drain and /enable",
    }),
    log: Flags.boolean({ description: "tell which machine each client got, on stderr" }),
    simulated: Flags.boolean({
      description: "no network: which connections break, by how packets are spread",
      exclusive: ["backend", "listen"],
    }),
    connections: Flags.integer({
      min: 1,
      max: 10_000,
      default: 300,
      description: "of the simulated clients",
    }),
    json: Flags.boolean({ description: "tell where it listens, or the rows, as JSON" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HttpBalance);
    const { balance } = await import("../../http/balance/main.ts");
    process.exitCode = await balance(flags);
  }
}

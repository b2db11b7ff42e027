/** `netkit http proxy`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { tlsListenFlags } from "../../http/listen-flags.ts";
import { many } from "../../repeated.ts";

export default class HttpProxyCommand extends NetkitCommand {
  static override summary = "A forward or reverse proxy with a shared cache, that says why.";
  static override description =
    "The cache follows RFC 9111, with stale-while-revalidate and stale-if-error (RFC 5861), CDN-Cache-Control with --reverse (RFC 9213), Cache-Status (RFC 9211) and one fetch for all who ask at once. A next hop that fails is answered with 502 or 504 and Proxy-Status (RFC 9209). SIGTERM finishes what is in flight.";
  static override usage = "http proxy (--forward | --reverse ORIGIN) [FLAGS]";
  static override examples = [
    "<%= config.bin %> http proxy --forward --listen 127.0.0.1:3128 --explain",
    "<%= config.bin %> http proxy --reverse http://127.0.0.1:8080 --listen 127.0.0.1:8081",
    "<%= config.bin %> http proxy --reverse 127.0.0.1:8080 --cache cache --cache-size 2G --log json",
  ];
  static override flags = {
    forward: Flags.boolean({
      default: false,
      description: "go where each request says: absolute URIs, and CONNECT tunnels",
    }),
    reverse: Flags.string({
      helpValue: "ORIGIN",
      description: "stand before one origin, http://HOST:PORT",
    }),
    listen: Flags.string({
      ...many,
      helpValue: "ADDRESS:PORT",
      description: "where to listen; port 0 picks one; may repeat [default: 127.0.0.1:8081]",
    }),
    ...tlsListenFlags,
    cache: Flags.string({
      default: "memory",
      helpValue: "memory|DIR",
      description: "where responses are kept",
    }),
    "cache-size": Flags.string({
      default: "256M",
      helpValue: "SIZE",
      description: "what the cache may take; what was not used for the longest time goes first",
    }),
    "no-cache": Flags.boolean({
      exclusive: ["cache", "cache-size"],
      description: "keep nothing",
    }),
    "tunnel-port": Flags.string({
      ...many,
      helpValue: "PORT|any",
      description: "ports that CONNECT may reach; may repeat [default: 443]",
    }),
    explain: Flags.boolean({
      description: "tell of each request why: hit, miss, revalidation or bypass, with the sections",
    }),
    log: Flags.string({
      options: ["combined", "json"],
      description: "an access log on stdout (stderr with --json)",
    }),
    json: Flags.boolean({
      description: "where it listens, and with --explain each request, as lines of JSON on stdout",
    }),
    dns: Flags.string({
      ...many,
      helpValue: "@SERVER",
      description: "ask this DNS server for names; may repeat",
    }),
    resolve: Flags.string({
      ...many,
      helpValue: "NAME:ADDRESS",
      description: "the address of a name; may repeat",
    }),
    "connect-timeout": Flags.string({
      default: "10",
      helpValue: "SECONDS",
      description: "to connect",
    }),
    timeout: Flags.string({
      default: "60",
      helpValue: "SECONDS",
      description: "without an octet from the origin",
    }),
    cacert: Flags.string({ description: "whom to trust with https origins, PEM" }),
    insecure: Flags.boolean({ description: "do not check the certificates of origins" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HttpProxyCommand);
    const { proxy } = await import("../../http/proxy/main.ts");
    process.exitCode = await proxy(flags);
  }
}

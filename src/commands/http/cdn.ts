/** `netkit http cdn`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { edgeFunctionFlags } from "../../http/cdn/function-flags.ts";
import { many } from "../../repeated.ts";

export default class HttpCdn extends NetkitCommand {
  static override summary =
    "A content delivery network: edges that pull, and the DNS that chooses the nearest.";
  static override description =
    "Each edge is a shared cache (RFC 9111, CDN-Cache-Control of RFC 9213) of the sites, under their own names in Host and as /SITE/PATH for pages that `http cdn rewrite` changed. With --dns the name --name has for each client the address of the nearest edge that is not overloaded. --compare shows in a simulation what the course's three ways cost.";
  static override examples = [
    "<%= config.bin %> http serve examples/site --listen 127.0.0.1:8080    # the origin, in another terminal",
    "<%= config.bin %> http cdn --site www.foo.com=http://127.0.0.1:8080 --edge fra=127.0.1.1:8090@50.1,8.7 --edge nyc=127.0.1.2:8090@40.7,-74 --client 127.0.0.0/24@48.9,2.4 --dns 127.0.0.1:5310 --name cdn.example --admin 127.0.0.1:8091",
    "<%= config.bin %> http fetch http://www.foo.com:8090/ --resolve www.foo.com:127.0.1.1",
    "<%= config.bin %> http cdn push http://www.foo.com/1.svg --admin 127.0.0.1:8091",
    "<%= config.bin %> http cdn --compare",
  ];
  static override flags = {
    site: Flags.string({
      ...many,
      helpValue: "NAME=ORIGIN",
      description: "a site, and where it is at home; may repeat",
    }),
    edge: Flags.string({
      ...many,
      helpValue: "NAME=ADDRESS:PORT@LAT,LON*CAPACITY",
      description: "an edge; its place and requests a second may be left out; may repeat",
    }),
    client: Flags.string({
      ...many,
      helpValue: "NETWORK@LAT,LON",
      description: "where clients of a network are; may repeat",
    }),
    dns: Flags.string({ helpValue: "ADDRESS:PORT", description: "serve the CDN's name here" }),
    name: Flags.string({ default: "cdn.example", description: "the CDN's name" }),
    ttl: Flags.integer({
      min: 0,
      max: 86_400,
      default: 20,
      description: "of its addresses, seconds",
    }),
    admin: Flags.string({
      helpValue: "ADDRESS:PORT",
      description: "GET /stats; POST /purge?url=, /push?url=",
    }),
    "tls-port": Flags.integer({
      min: 0,
      max: 65_535,
      helpValue: "PORT",
      description: "each edge listens at its address with TLS, too; needs --tls-cert and --tls-key",
    }),
    "tls-cert": Flags.string({ helpValue: "FILE", description: "certificate chain, PEM" }),
    "tls-key": Flags.string({ helpValue: "FILE", description: "its key, PEM" }),
    cacert: Flags.string({
      helpValue: "FILE",
      description: "whom to trust with https origins, PEM",
    }),
    insecure: Flags.boolean({ description: "do not check the certificates of origins" }),
    ...edgeFunctionFlags,
    "cache-size": Flags.string({ default: "64M", description: "of each edge" }),
    compare: Flags.boolean({
      description: "no network: DNS, anycast and rewriting side by side",
      exclusive: ["site", "edge", "dns", "admin"],
    }),
    json: Flags.boolean({ description: "tell where it listens, or the comparison, as JSON" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HttpCdn);
    if (flags.compare) {
      const { compareWays, renderWays } = await import("../../http/cdn/compare.ts");
      const ways = compareWays(flags.ttl);
      if (flags.json) this.logJson({ ways });
      else process.stdout.write(renderWays(ways));
      return;
    }
    const { cdn } = await import("../../http/cdn/main.ts");
    process.exitCode = await cdn(flags);
  }
}

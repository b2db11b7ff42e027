/** `netkit http cdn sign`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";

export default class HttpCdnSign extends NetkitCommand {
  static override summary =
    "A URL with an expiry and a signature, for paths that --signed protects.";
  static override description =
    "HMAC-SHA-256 over site, path, query, expiry, key id and, with --client, the address that alone may use it.";
  static override examples = [
    "<%= config.bin %> http cdn sign http://www.foo.com/private/1.svg --key k1=000102030405060708090a0b0c0d0e0f --expires 1h",
    "<%= config.bin %> http cdn sign http://cdn.example:8090/www.foo.com/private/1.svg --site www.foo.com --key k1=key.bin --client 192.0.2.1",
  ];
  static override args = {
    url: Args.string({ required: true, description: "of a site" }),
  };
  static override flags = {
    key: Flags.string({
      required: true,
      helpValue: "ID=FILE|HEX",
      description: "the key, at least 16 octets",
    }),
    expires: Flags.string({
      default: "1h",
      helpValue: "SPAN",
      description: "how long it may be used: 90s, 15m, 1h, 7d",
    }),
    client: Flags.string({ helpValue: "ADDRESS", description: "who alone may use it" }),
    site: Flags.string({
      helpValue: "NAME",
      description: "the URL is one of the CDN's, whose path begins with the name of this site",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpCdnSign);
    const { signUrl } = await import("../../../http/cdn/sign.ts");
    this.log(signUrl(args.url, flags, Date.now()));
  }
}

/** `netkit http cdn rewrite`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";
import { many } from "../../../repeated.ts";

export default class HttpCdnRewrite extends NetkitCommand {
  static override summary = "A page whose embedded objects come from the CDN, on stdout.";
  static override description =
    "URLs of images, scripts, styles, fonts and media of the site get the CDN's name in front: http://www.foo.com/a.gif becomes http://CDN/www.foo.com/a.gif. All else stays octet for octet.";
  static override examples = [
    "<%= config.bin %> http cdn rewrite examples/site/index.html --base http://www.foo.com/ --cdn http://cdn.example:8090",
  ];
  static override args = {
    file: Args.string({ required: true, description: "the page; - is standard input" }),
  };
  static override flags = {
    base: Flags.string({ required: true, helpValue: "URL", description: "where the page is" }),
    cdn: Flags.string({
      required: true,
      helpValue: "URL",
      description: "scheme, name and port of the CDN",
    }),
    site: Flags.string({
      ...many,
      helpValue: "NAME",
      description: "other names of the site; may repeat",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpCdnRewrite);
    const { rewriteFile } = await import("../../../http/cdn/rewrite.ts");
    process.stdout.write(rewriteFile(args.file, flags));
  }
}

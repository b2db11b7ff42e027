/** `netkit http cdn purge`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";

export default class HttpCdnPurge extends NetkitCommand {
  static override summary = "Have all edges forget an object.";
  static override examples = [
    "<%= config.bin %> http cdn purge http://www.foo.com/1.svg --admin 127.0.0.1:8091",
  ];
  static override args = {
    url: Args.string({ required: true, description: "of one of the sites" }),
  };
  static override flags = {
    admin: Flags.string({
      required: true,
      helpValue: "ADDRESS:PORT",
      description: "the CDN's --admin",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpCdnPurge);
    const { control } = await import("../../../http/cdn/control.ts");
    this.logJson(await control(flags.admin, "POST", `/purge?url=${encodeURIComponent(args.url)}`));
  }
}

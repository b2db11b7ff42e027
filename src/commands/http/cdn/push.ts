/** `netkit http cdn push`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";
import { EXIT } from "../../../failure.ts";

export default class HttpCdnPush extends NetkitCommand {
  static override summary = "Have all edges fetch an object before anybody asks for it.";
  static override examples = [
    "<%= config.bin %> http cdn push http://www.foo.com/1.svg --admin 127.0.0.1:8091",
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
    const { args, flags } = await this.parse(HttpCdnPush);
    const { control, isPushed } = await import("../../../http/cdn/control.ts");
    const told = await control(flags.admin, "POST", `/push?url=${encodeURIComponent(args.url)}`);
    this.logJson(told);
    if (!isPushed(told)) process.exitCode = EXIT.negative;
  }
}

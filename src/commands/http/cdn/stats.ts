/** `netkit http cdn stats`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";

export default class HttpCdnStats extends NetkitCommand {
  static override summary = "What the edges of a running CDN have done, as JSON.";
  static override examples = ["<%= config.bin %> http cdn stats --admin 127.0.0.1:8091"];
  static override flags = {
    admin: Flags.string({
      required: true,
      helpValue: "ADDRESS:PORT",
      description: "the CDN's --admin",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HttpCdnStats);
    const { control } = await import("../../../http/cdn/control.ts");
    this.logJson(await control(flags.admin, "GET", "/stats"));
  }
}

/** `netkit fields`: the names that --fields and --filter know. */
import * as Args from "@oclif/core/args";
import { NetkitCommand } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";

interface Listed {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly alias?: string;
}

export default class Fields extends NetkitCommand {
  static override summary = "List the field names of --fields and --filter.";
  static override examples = ["<%= config.bin %> fields", "<%= config.bin %> fields dns."];
  static override enableJsonFlag = true;
  static override args = {
    prefix: Args.string({ ignoreStdin: true, description: "only names that begin so" }),
  };

  async run(): Promise<readonly Listed[]> {
    const { args } = await this.parse(Fields);
    const { FIELDS } = await import("../engines/capture/fields.ts");
    const prefix = args.prefix ?? "";
    const listed: Listed[] = [];
    for (const { name, type, description, alias } of FIELDS.values()) {
      if (name.startsWith(prefix))
        listed.push({ name, type, description, ...(alias === undefined ? {} : { alias }) });
    }
    if (listed.length === 0) {
      throw new CommandError(
        `no field begins with ${prefix}; netkit fields lists all`,
        EXIT.negative,
      );
    }
    const width = Math.max(...listed.map((field) => field.name.length));
    for (const { name, type, description, alias } of listed) {
      const what = alias === undefined ? description : `alias of ${alias}`;
      this.log(`${name.padEnd(width)}  ${type.padEnd(7)}  ${what}`);
    }
    return listed;
  }
}

/** `netkit schema`: the JSON Schema of what `netkit decode --json` prints. */
import { NetkitCommand } from "../command.ts";

export default class Schema extends NetkitCommand {
  static override summary =
    "Print the JSON Schema (2020-12) of the records of `netkit decode --json`.";
  static override examples = ["<%= config.bin %> schema > record.schema.json"];

  async run(): Promise<void> {
    await this.parse(Schema);
    const { recordSchema } = await import("../engines/capture/schema.ts");
    process.stdout.write(`${JSON.stringify(recordSchema(), null, 2)}\n`);
  }
}

/** `netkit info`: what a capture file is, without decoding its messages. */
import * as Args from "@oclif/core/args";
import { NetkitCommand } from "../command.ts";
import type { CaptureFacts } from "../net/capture/facts.ts";

export default class Info extends NetkitCommand {
  static override summary = "Tell type, links, interfaces, time span and drops of captures.";
  static override examples = [
    "<%= config.bin %> info capture.pcapng",
    "<%= config.bin %> info *.pcap --json",
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = {
    capture: Args.string({ ignoreStdin: true, required: true, description: "capture files" }),
  };

  async run(): Promise<readonly CaptureFacts[]> {
    const { argv } = await this.parse(Info);
    const { captureFacts } = await import("../net/capture/facts.ts");
    const { renderFacts } = await import("../render/facts.ts");
    const all: CaptureFacts[] = [];
    for (const path of argv as string[]) {
      const facts = await captureFacts(path);
      all.push(facts);
      this.log(renderFacts(facts));
    }
    return all;
  }
}

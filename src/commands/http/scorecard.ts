/** `netkit http scorecard`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";

export default class HttpScorecard extends NetkitCommand {
  static override summary =
    "The strategies' scorecard: the course's formulas beside simulated TCP.";
  static override description =
    `n objects of one size over a path, by every strategy: round trips and nF/B as the course counts them, and the time on a simulated network whose TCP behaves as Linux's. With --background, long flows of others share the bottleneck: there M connections take more of the link than one, and the others pay. Exits 0, or 2 for wrong flags.`;
  static override examples = [
    "<%= config.bin %> http scorecard --objects 10 --size 1kB --rtt 100ms --rate 10Mbit",
    "<%= config.bin %> http scorecard --objects 30 --size 100kB --rtt 40ms --rate 50Mbit --connections 8",
    "<%= config.bin %> http scorecard --objects 12 --size 200kB --background 6 --strategy persistent --strategy concurrent-persistent",
    "<%= config.bin %> http scorecard --what-if idle=1s,5s,15s,60s --gap 10s --json",
  ];
  static override flags = {
    objects: Flags.integer({
      char: "n",
      min: 1,
      max: 10_000,
      default: 10,
      description: "how many",
    }),
    size: Flags.string({ default: "10kB", helpValue: "BYTES", description: "of each body" }),
    rtt: Flags.string({
      default: "100ms",
      helpValue: "TIME",
      description: "round trip of the path",
    }),
    rate: Flags.string({ default: "10Mbit", helpValue: "BIT", description: "of the bottleneck" }),
    queue: Flags.string({
      helpValue: "BYTES|1bdp",
      description: "what it holds (1bdp, 30 kB at least)",
    }),
    loss: Flags.string({ default: "0", helpValue: "SHARE", description: "lost by chance" }),
    connections: Flags.integer({ char: "m", min: 1, max: 256, default: 6, description: "M" }),
    background: Flags.integer({
      min: 0,
      max: 200,
      default: 0,
      description: "long flows of other users over the bottleneck",
    }),
    head: Flags.integer({
      min: 0,
      max: 16_000,
      default: 250,
      description: "octets of a response's head",
    }),
    "host-time": Flags.string({
      helpValue: "MS",
      description: "what a host takes for an exchange (0.3, measured on real ones)",
    }),
    strategy: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: "NAME",
      description: "only these",
    }),
    "what-if": Flags.string({
      helpValue: "idle=TIME,...",
      description: "handshakes spared and connections held, by when idle ones are closed",
    }),
    gap: Flags.string({
      default: "15s",
      helpValue: "TIME",
      description: "mean time between visits, for --what-if idle",
    }),
    seed: Flags.integer({ default: 1, description: "of all that is drawn" }),
    json: Flags.boolean({ description: "the rows as JSON" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HttpScorecard);
    const { runScorecard } = await import("../../replay/scorecard-main.ts");
    const card = runScorecard(flags);
    if (flags.json) {
      this.logJson({ rows: card.rows, ...(card.idle === undefined ? {} : { idle: card.idle }) });
      return;
    }
    const { renderScorecard } = await import("../../render/replay/scorecard.ts");
    const { palette } = await import("../../render/color.ts");
    process.stdout.write(renderScorecard(card, palette()));
  }
}

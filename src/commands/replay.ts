/** `netkit replay`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../command.ts";
import type { LiveRun } from "../replay/live.ts";

export default class Replay extends NetkitCommand {
  static override summary =
    "Page loads of a capture: what every fetch strategy and every cache would have cost.";
  static override description =
    `Finds the pages in a capture (or a HAR file, or a saved workload), infers the link, and runs them again on a simulated network whose TCP behaves as Linux's: serial, persistent, concurrent, kept and pipelined; without a cache, with the browser's, behind a forward proxy, a reverse proxy and a CDN edge, cold and warm. Beside each stands the course's formula and why it differs.

A cold cache lacks the page's documents and has the rest, as one that other pages of the site have filled; --cold empty: nothing is stored.

With --against the requests (or DNS questions) of the capture go to a real server, and differences exit 1.

Exits 0 when done, 1 when --against found a difference, 2 for wrong flags, 3 when a file cannot be read or there is nothing to compare.`;
  static override examples = [
    "<%= config.bin %> replay capture.pcap",
    "<%= config.bin %> replay capture.pcap --html report.html",
    "<%= config.bin %> replay capture.pcap --link rtt=100ms,rate=10Mbit,queue=1bdp,loss=0",
    "<%= config.bin %> replay capture.pcap --edge rtt=12ms --forward rtt=2ms,rate=1Gbit",
    "<%= config.bin %> replay capture.pcap --what-if rtt=20ms,50ms,100ms,200ms --what-if cache",
    "<%= config.bin %> replay capture.pcap --live --placement none",
    "<%= config.bin %> replay capture.pcap --against http://127.0.0.1:8080 --speed max",
    "<%= config.bin %> replay capture.pcap --save workload.json",
    "<%= config.bin %> replay workload.json --strategy pipelined --placement none,cdn-warm --json",
  ];
  static override args = {
    file: Args.string({ required: true, description: "capture, HAR file or saved workload" }),
  };
  static override flags = {
    link: Flags.string({
      helpValue: "rtt=MS,rate=BIT,queue=BYTES|1bdp,loss=SHARE",
      description: "the path, in place of what the capture tells",
    }),
    forward: Flags.string({
      helpValue: "rtt=MS[,rate=BIT]",
      description: "where the forward proxy stands (rtt=2ms,rate=100Mbit)",
    }),
    edge: Flags.string({
      helpValue: "rtt=MS",
      description: "where the CDN's edge stands (a fifth of the path)",
    }),
    reverse: Flags.string({
      helpValue: "rtt=MS",
      description: "from the reverse proxy to the origin (0.1ms)",
    }),
    bottleneck: Flags.option({
      options: ["client", "behind-forward"] as const,
      default: "behind-forward",
      description: "the side of the forward proxy that the slow link is on",
    })(),
    upstream: Flags.option({
      options: ["warm", "cold"] as const,
      default: "warm",
      description: "whether a cold cache has connections to the origin",
    })(),
    cold: Flags.option({
      options: ["documents", "empty"] as const,
      default: "documents",
      description: "what a cold cache lacks",
    })(),
    connections: Flags.integer({
      char: "m",
      min: 1,
      max: 256,
      default: 6,
      description: "connections of the concurrent strategies",
    }),
    pages: Flags.integer({
      min: 1,
      max: 100_000,
      default: 20,
      description: "predict the first so many pages",
    }),
    strategy: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: "NAME",
      description: "only these strategies",
    }),
    placement: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: "NAME",
      description: "only these places of a cache",
    }),
    "what-if": Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: "rtt|rate|loss|m|cache=VALUE,...",
      description: "the strategies over these values; a shared cache over its size",
    }),
    dns: Flags.string({
      helpValue: "max-ttl=S,min-ttl=S,size=N,prefetch,serve-stale=S",
      description: "how caches of names behave",
    }),
    against: Flags.string({
      helpValue: "URL|@SERVER[:PORT]",
      description: "ask again, for real, what was asked in the capture, and compare the answers",
    }),
    speed: Flags.string({
      dependsOn: ["against"],
      helpValue: "N|max",
      description: "with --against: how much faster than recorded (default 1)",
    }),
    unsafe: Flags.boolean({
      dependsOn: ["against"],
      description: "with --against: methods that may change something as well",
    }),
    save: Flags.string({
      helpValue: "FILE",
      description: "write the workload, to be edited and replayed",
    }),
    live: Flags.boolean({
      description: "run the strategies for real as well, on loopback through a path in user space",
    }),
    html: Flags.string({
      helpValue: "FILE",
      description: "write a report with charts and waterfalls that opens offline",
    }),
    json: Flags.boolean({ description: "link, pages and predictions as JSON" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Replay);
    if (flags.against !== undefined) {
      const { askedAgain } = await import("../replay/against-main.ts");
      const { compared, text } = await askedAgain(args.file, flags.against, flags);
      if (flags.json) this.logJson(compared);
      else process.stdout.write(text);
      if (compared.differences.length > 0) process.exitCode = 1;
      return;
    }
    const { replay, replayJson } = await import("../replay/main.ts");
    const replayed = await replay(args.file, flags);
    if (flags.html !== undefined) {
      const { renderReport } = await import("../render/replay/report.ts");
      const { writeText } = await import("../replay/main.ts");
      writeText(flags.html, renderReport(replayed, args.file));
    }
    const { assumed, workload, predictions } = replayed;
    let live: LiveRun[] | undefined;
    if (flags.live && assumed !== undefined) {
      const { liveRuns } = await import("../replay/live.ts");
      live = await liveRuns(workload, assumed.options, predictions, (what) =>
        process.stderr.write(`netkit: live: ${what}\n`),
      );
    }
    if (flags.json) {
      this.logJson({ ...replayJson(replayed), ...(live === undefined ? {} : { live }) });
      return;
    }
    const { renderReplay } = await import("../render/replay/comparison.ts");
    const { palette } = await import("../render/color.ts");
    const { renderSweep } = await import("../render/replay/sweep.ts");
    const paint = palette();
    process.stdout.write(renderReplay(replayed, paint));
    if (live !== undefined) {
      const { renderLive } = await import("../render/replay/live.ts");
      process.stdout.write(renderLive(live, paint));
    }
    for (const sweep of replayed.sweeps) process.stdout.write(renderSweep(sweep, paint));
  }
}

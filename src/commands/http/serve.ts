/** `netkit http serve`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { tlsListenFlags } from "../../http/listen-flags.ts";
import { many } from "../../repeated.ts";

export default class HttpServe extends NetkitCommand {
  static override summary = "An origin server: a folder, or many sites on one machine.";
  static override description =
    "Types, ranges, entity tags and conditional requests; names that begin with a point and links out of the folder are not served. SIGTERM finishes what is in flight. With --json the first line on stdout tells where it listens.";
  static override usage = "http serve [DIR] [FLAGS]";
  static override examples = [
    "<%= config.bin %> http serve .",
    "<%= config.bin %> http serve site --listen 127.0.0.1:0 --json",
    "<%= config.bin %> http serve --vhost www.foo.com=foo --vhost www.bar.com=bar --listen 127.0.0.1:8080",
    "<%= config.bin %> http serve site --cgi /cgi-bin=scripts --module examples/session.mjs",
    "<%= config.bin %> http serve --capture capture.pcap --listen 127.0.0.1:8080",
    "<%= config.bin %> http serve site --latency 100ms --rate 1Mbit --log combined",
    "<%= config.bin %> http serve site --listen-tls 127.0.0.1:8443 --cert cert.pem --key key.pem",
  ];
  static override strict = false;
  static override flags = {
    listen: Flags.string({
      ...many,
      helpValue: "ADDRESS:PORT",
      description: "where to listen; port 0 picks one; may repeat [default: 127.0.0.1:8080]",
    }),
    ...tlsListenFlags,
    vhost: Flags.string({
      ...many,
      helpValue: "NAME=DIR",
      description:
        "a site by its name in Host (*.NAME for all below), or by ADDRESS:PORT; may repeat",
    }),
    list: Flags.boolean({
      default: true,
      allowNo: true,
      description: "list folders without index.html",
    }),
    cgi: Flags.string({
      ...many,
      helpValue: "/PATH=DIR",
      description: "programs of a folder answer below a path (CGI/1.1)",
    }),
    module: Flags.string({
      helpValue: "FILE",
      description: "a JavaScript module whose default export answers: see examples/session.mjs",
    }),
    capture: Flags.string({
      helpValue: "FILE",
      description: "answer as the servers of a capture did, in place of a folder",
    }),
    latency: Flags.string({ helpValue: "50ms", description: "answer so much later" }),
    rate: Flags.string({ helpValue: "10Mbit", description: "bits a second of each response" }),
    log: Flags.string({
      options: ["combined", "json"],
      description: "an access log on stdout (stderr with --json)",
    }),
    json: Flags.boolean({
      description: "tell where it listens as JSON, on the first line of stdout",
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(HttpServe);
    const { serve } = await import("../../http/serve/main.ts");
    const [folder, ...more] = argv as string[];
    if (more.length > 0) this.error(`one folder at most: ${more.join(" ")}`, { exit: 2 });
    process.exitCode = await serve(folder, flags);
  }
}

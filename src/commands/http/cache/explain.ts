/** `netkit http cache explain`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../../command.ts";
import { many } from "../../../repeated.ts";

export default class HttpCacheExplain extends NetkitCommand {
  static override summary = "Why a cache would use, validate or not store a response.";
  static override description =
    "With two files, the heads of a request and its response: whether the response is stored, and what becomes of the next request. With --cache, a folder of `http proxy --cache`: what is stored, or what would be done for each URL; nothing is changed. Each step names its section. Exits 1 when there is nothing to tell.";
  static override usage = "http cache explain (REQUEST RESPONSE | --cache DIR [URL...]) [FLAGS]";
  static override examples = [
    "<%= config.bin %> http cache explain request.txt response.txt --after 30",
    "<%= config.bin %> http cache explain --cache cache",
    "<%= config.bin %> http cache explain --cache cache http://127.0.0.1:8080/a.css -H 'Cache-Control: max-age=5'",
  ];
  static override strict = false;
  static override flags = {
    cache: Flags.string({ helpValue: "DIR", description: "a folder that a proxy keeps" }),
    header: Flags.string({
      char: "H",
      ...many,
      helpValue: "'Name: value'",
      description: "of the request for each URL; may repeat",
    }),
    method: Flags.string({ default: "GET", description: "of the request for each URL" }),
    after: Flags.string({
      default: "0",
      helpValue: "SECONDS",
      description: "how long after the response the next request comes",
    }),
    next: Flags.string({
      helpValue: "FILE",
      description: "the head of the next request [default: the same again]",
    }),
    private: Flags.boolean({ description: "as a client's own cache, not a shared one" }),
    targeted: Flags.boolean({
      default: true,
      allowNo: true,
      description: "obey CDN-Cache-Control (RFC 9213), as a reverse proxy does",
    }),
    json: Flags.boolean({ description: "a line of JSON for each" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(HttpCacheExplain);
    const { explain } = await import("../../../http/cache/explain.ts");
    process.exitCode = await explain(argv as string[], flags);
  }
}

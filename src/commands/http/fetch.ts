/** `netkit http fetch`. */
import { NetkitCommand } from "../../command.ts";
import { fetchFlags } from "../../http/fetch/flags.ts";

export default class HttpFetch extends NetkitCommand {
  static override summary = "Fetch objects by a strategy, and see where the time went.";
  static override description =
    "With --simulated the same client runs in virtual time against a server of a folder. Prints a waterfall: name look-up, connection, TLS, waiting and receiving of each object, and the round trips beside the course's formula. Bodies go nowhere unless --output or --remote-name say where. HTTP/1.1 only (TLS offers http/1.1 by ALPN). Exits 1 with --fail for a status of 400 or more, 3 when a server breaks the protocol, 4 when it cannot be reached or breaks off.";
  static override usage = "http fetch URL... [FLAGS]";
  static override examples = [
    "<%= config.bin %> http fetch http://127.0.0.1:8080/",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/a http://127.0.0.1:8080/b --pipelined",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/a http://127.0.0.1:8080/b --compare --concurrent 6",
    "<%= config.bin %> http fetch www.example.com --page --simulated examples/site",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/page -o - -s -L --compressed",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/a --user name:password --digest -c cookies.txt --har run.har",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/form -F name=value -F file=@README.md",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/big.iso -o big.iso -C - --retry 5",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/big http://127.0.0.1:8080/mirror --split 4 -o big",
    "<%= config.bin %> http fetch http://127.0.0.1:8080/ --dns @127.0.0.53:5300 --json",
  ];
  static override strict = false;
  static override flags = fetchFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(HttpFetch);
    const { run } = await import("../../http/fetch/main.ts");
    process.exitCode = await run(argv as string[], flags, this.config.version);
  }
}

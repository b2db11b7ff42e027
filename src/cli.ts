/** Runs the command line: answers --version without loading oclif, hands all else to it. */
import { readFileSync } from "node:fs";
import { EXIT } from "./failure.ts";

/** `entry`: URL of the file in bin/. */
export async function run(entry: string): Promise<void> {
  watchOutput();
  const argv = process.argv.slice(2);
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", entry), "utf8")) as {
      version: string;
    };
    process.stdout.write(
      `netkit/${manifest.version} ${process.platform}-${process.arch} node-${process.version}\n`,
    );
    return;
  }
  const { runOclif } = await import("./oclif.ts");
  await runOclif(entry, argv);
}

/** `netkit decode x | head` ends quietly when the reader goes away; a full disk is told. */
function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      if (stream === process.stdout)
        process.stderr.write(`netkit: standard output: ${error.message}\n`);
      process.exit(EXIT.input);
    });
  }
}

/** Behind `netkit dns bench`: the questions, the run, and what is printed. */
import { encode } from "../../codecs/dns/index.ts";
import type { BenchResult } from "../../engines/dns/client/bench.ts";
import { Bench } from "../../engines/dns/client/bench.ts";
import { clientQuery } from "../../engines/dns/client/query.ts";
import { MICROSECOND, MILLISECOND, SECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import { readWords } from "../resolve/arguments.ts";
import { addressOf } from "../resolve/servers.ts";

export interface BenchFlags {
  readonly concurrency: number;
  readonly rate?: number | undefined;
  readonly seconds: number;
  readonly timeout: number;
  readonly dnssec: boolean;
  readonly rd: boolean;
}

const PARTS = [0.5, 0.9, 0.99, 0.999, 1] as const;

/** @throws CommandError */
export async function bench(words: readonly string[], flags: BenchFlags): Promise<object> {
  const { questions, servers } = readWords(words);
  const [server] = servers;
  if (server === undefined || servers.length > 1 || server.transport !== "udp")
    throw new CommandError("load goes to one @ADDRESS[:PORT] over UDP");
  const host = new LiveHost();
  try {
    const queries = questions.map(({ name, type }) => {
      const absolute = name.replace(/\.?$/, ".");
      const options = { rd: flags.rd, ad: false, dnssec: flags.dnssec };
      return encode(clientQuery(absolute, type, options, host.random));
    });
    const to = await addressOf(server);
    const result = await new Promise<BenchResult>((done) => {
      const { concurrency, rate } = flags;
      const [duration, timeout] = [flags.seconds * SECOND, flags.timeout * MILLISECOND];
      const options = { server: to, queries, concurrency, rate, duration, timeout };
      const running = new Bench(host, options, done);
      // What was measured until then is told.
      process.once("SIGINT", () => {
        process.exitCode = EXIT.interrupted;
        running.stop();
      });
    });
    if (result.answered === 0)
      throw new CommandError(`${to.addr}:${to.port} answers nothing`, EXIT.network);
    const { sent, answered, lost, seconds } = result;
    const micros = (part: number) => Math.round(result.percentile(part) / MICROSECOND);
    return {
      server: `${to.addr}#${to.port}`,
      sent,
      answered,
      lost,
      seconds,
      perSecond: Math.round(answered / seconds),
      rcodes: Object.fromEntries([...result.rcodes].map(([code, n]) => [rcodeName(code), n])),
      microseconds: Object.fromEntries(PARTS.map((part) => [`p${part * 100}`, micros(part)])),
    };
  } finally {
    host.stop();
  }
}

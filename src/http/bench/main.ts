/** Behind `netkit http bench`: the request, the run, and what is printed. */
import { encode } from "../../codecs/http/encode.ts";
import { parseUri } from "../../codecs/http/uri.ts";
import { utf8Bytes } from "../../codecs/writer.ts";
import { MICROSECOND, SECOND } from "../../engines/host.ts";
import { hostField, originOf, targetOf } from "../../engines/http/fetch/origin.ts";
import { field } from "../../engines/http/fields.ts";
import type { LoadResult } from "../../engines/http/load.ts";
import { Load } from "../../engines/http/load.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { fileBytes } from "../fetch/files.ts";
import { lookupFor } from "../fetch/lookup.ts";
import { fieldOf, plainUrl } from "../fetch/settings.ts";

export interface BenchFlags {
  readonly connections: number;
  readonly depth: number;
  readonly rate?: number | undefined;
  readonly seconds: number;
  readonly timeout: number;
  readonly request?: string | undefined;
  readonly header?: string[] | undefined;
  readonly data?: string | undefined;
  readonly insecure: boolean;
}

const NO_BODY = new Uint8Array(0);
const PARTS = [0.5, 0.9, 0.99, 0.999, 1] as const;

export interface BenchReport {
  readonly url: string;
  readonly seconds: number;
  readonly answered: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly microseconds: Readonly<Record<string, number>>;
  readonly fault?: string;
}

/** @throws CommandError */
export async function bench(text: string, flags: BenchFlags): Promise<BenchReport> {
  const uri = parseUri(text.includes("://") ? text : `http://${text}`);
  const origin = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || origin === undefined) {
    throw new CommandError(`${text}: not an http or https URL`);
  }
  const url = plainUrl(uri);
  const method = flags.request ?? (flags.data === undefined ? "GET" : "POST");
  const request = requestBytes(method, targetOf(uri), hostField(origin), flags);
  const host = new LiveHost();
  try {
    const lookup = await lookupFor(host, { dns: [], resolve: [] });
    const addr = await new Promise<string>((resolve, reject) => {
      lookup(origin.host, (error, looked) => {
        const [first] = looked?.addresses ?? [];
        if (first !== undefined) resolve(first);
        else reject(new CommandError(error?.message ?? `${origin.host}: no address`, EXIT.network));
      });
    });
    const result = await new Promise<LoadResult>((done) => {
      const load = new Load(
        host,
        {
          remote: { addr, port: origin.port },
          tls:
            origin.scheme === "https"
              ? { name: origin.host, verify: !flags.insecure, alpn: ["http/1.1"] }
              : undefined,
          requests: [request],
          method,
          connections: flags.connections,
          depth: flags.depth,
          rate: flags.rate,
          duration: flags.seconds * SECOND,
          timeout: flags.timeout * SECOND,
        },
        done,
      );
      // Who has seen enough gets what there is.
      process.once("SIGINT", () => {
        process.exitCode = EXIT.interrupted;
        load.stop();
      });
    });
    if (result.answered === 0) {
      throw new CommandError(`${url}: ${result.fault ?? "nothing was answered"}`, EXIT.network);
    }
    return reportOf(url, result);
  } finally {
    host.stop();
  }
}

function requestBytes(method: string, target: string, name: string, flags: BenchFlags): Uint8Array {
  const { data, header = [] } = flags;
  const body =
    data === undefined
      ? NO_BODY
      : data.startsWith("@")
        ? fileBytes(data.slice(1))
        : utf8Bytes(data);
  const given = header.map(fieldOf);
  const own = [
    { name: "Host", value: name },
    { name: "User-Agent", value: "netkit" },
  ].filter((one) => field(given, one.name.toLowerCase()) === undefined);
  const length = data === undefined ? [] : [{ name: "Content-Length", value: String(body.length) }];
  return encode({
    kind: "request",
    version: "HTTP/1.1",
    method,
    requestTarget: target,
    fields: [...own, ...given.filter(({ value }) => value !== ""), ...length],
    body,
    trailers: [],
  });
}

function reportOf(url: string, result: LoadResult): BenchReport {
  const { seconds, answered, failed, timedOut, bytes, statuses, latency, fault } = result;
  const micros = (part: number) => Math.round(latency.percentile(part) / MICROSECOND);
  return {
    url,
    seconds: Math.round(seconds * 1000) / 1000,
    answered,
    perSecond: Math.round(answered / seconds),
    megabytesPerSecond: Math.round(bytes / seconds / 1e4) / 100,
    failed,
    timedOut,
    statuses: Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
    microseconds: Object.fromEntries(PARTS.map((part) => [`p${part * 100}`, micros(part)])),
    ...(fault === undefined ? {} : { fault }),
  };
}

export function renderReport(report: BenchReport): string {
  const { url, seconds, answered, perSecond, megabytesPerSecond, failed, timedOut } = report;
  const times = Object.entries(report.microseconds).map(([part, us]) => `${part} ${us} us`);
  const statuses = Object.entries(report.statuses).map(([code, n]) => `${n} x ${code}`);
  const lines = [
    `${url}: ${answered} responses in ${seconds} s, ${perSecond} a second, ${megabytesPerSecond} MB/s`,
    `status   ${statuses.join(", ")}`,
    `latency  ${times.join(", ")}`,
  ];
  if (failed + timedOut > 0) {
    lines.push(
      `failed   ${failed}, timed out ${timedOut}${report.fault ? ` (first: ${report.fault})` : ""}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

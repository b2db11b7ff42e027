/** `netkit http fetch`: flags in, the fetcher, the waterfall or JSON out. */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import type { Host } from "../../engines/host.ts";
import type { AgentOptions } from "../../engines/http/fetch/agent.ts";
import type { FetcherOptions } from "../../engines/http/fetch/fetcher.ts";
import { originKey } from "../../engines/http/fetch/origin.ts";
import { RateLimit } from "../../engines/http/fetch/rate.ts";
import { without } from "../../engines/http/fields.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { palette } from "../../render/color.ts";
import { renderScorecard } from "../../render/http/scorecard.ts";
import { renderWaterfall } from "../../render/http/waterfall.ts";
import { Bodies } from "./bodies.ts";
import { jarOf, keepCookies } from "./cookies.ts";
import { fileBytes } from "./files.ts";
import type { FetchFlags } from "./flags.ts";
import type { Ground } from "./ground.ts";
import { live, simulated } from "./ground.ts";
import { setJson } from "./json.ts";
import { PageTaker } from "./page.ts";
import { proxyChooser } from "./proxies.ts";
import { credentialsOf } from "./secrets.ts";
import type { SetResult, Wanted } from "./set.ts";
import { fetchAll } from "./sets.ts";
import { bytesOf, secondsOf, wantedOf } from "./settings.ts";

/** @throws CommandError */
function interfaceAddress(name: string): string {
  if (isIP(name) !== 0) return name;
  const list = networkInterfaces()[name];
  const addr = (list?.find(({ family }) => family === "IPv4") ?? list?.[0])?.address;
  if (addr === undefined)
    throw new CommandError(`--interface ${name}: no interface of that name has an address`);
  return addr;
}

export async function run(urls: readonly string[], flags: FetchFlags): Promise<number> {
  if (urls.length === 0) throw new CommandError("http fetch: name a URL; see --help");
  if (flags.output !== undefined && urls.length > 1) {
    throw new CommandError("--output takes the body of one URL; use --remote-name for several");
  }
  const wanted = urls.map((url) => wantedOf(url, flags));
  const ground = flags.simulated === undefined ? await live(flags) : simulated(flags);
  const bodies = new Bodies(flags, wanted);
  const { clock } = ground.host;
  const deadline =
    flags["max-time"] === undefined
      ? undefined
      : clock.now() + secondsOf("max-time", flags["max-time"]);
  try {
    const jar = await jarOf(flags, () => clock.wallMs());
    const results = await fetchAll(
      {
        ground,
        fetcher: fetcherOptions(ground, flags),
        agent: { ...agentOptions(ground.host, flags, wanted), cookies: jar },
        wanted: bodies.requests,
        compressed: flags.compressed,
        begun: (fetcher) => {
          if (deadline === undefined) return;
          clock
            .timer(() => fetcher.abort(`not done within --max-time ${flags["max-time"]}`))
            .armAt(deadline);
        },
        takers: () =>
          flags.page
            ? new PageTaker(bodies.taker(), wanted, (url) => partOf(url, flags, wanted))
            : bodies.taker(),
      },
      flags,
    );
    bodies.finish();
    const kept = flags["cookie-jar"];
    if (jar !== undefined && kept !== undefined) keepCookies(jar, kept);
    print(results, flags);
    for (const part of bodies.left) {
      process.stderr.write(`netkit: ${part} has what came; --continue-at - goes on there\n`);
    }
    return exitCodeOf(results, flags);
  } finally {
    ground.stop();
  }
}

const NO_BODY = {
  request: undefined,
  head: false,
  data: undefined,
  "data-binary": undefined,
  "data-raw": undefined,
  "data-urlencode": undefined,
  "json-data": undefined,
  form: undefined,
  "upload-file": undefined,
  range: undefined,
};

/** A part of a page is asked for with GET, whatever the page was. */
function partOf(url: string, flags: FetchFlags, named: readonly Wanted[]): Wanted {
  const wanted = wantedOf(url, { ...flags, ...NO_BODY });
  const { request } = wanted;
  if (named.some((one) => originKey(one.request.origin) === originKey(request.origin))) {
    return wanted;
  }
  // What the user says to one server is not for others that its page names.
  const fields = without(request.fields, "authorization", "cookie", "proxy-authorization");
  return { ...wanted, request: { ...request, fields } };
}

function fetcherOptions(ground: Ground, flags: FetchFlags): Omit<FetcherOptions, "strategy"> {
  const { lookup } = ground;
  const ca =
    flags.cacert === undefined ? undefined : Buffer.from(fileBytes(flags.cacert)).toString();
  return {
    lookup,
    proxyFor: flags.simulated === undefined ? proxyChooser(flags, process.env) : () => undefined,
    via:
      flags["unix-socket"] === undefined
        ? undefined
        : { addr: resolve(flags["unix-socket"]), port: 0 },
    local: flags.interface === undefined ? undefined : { addr: interfaceAddress(flags.interface) },
    tls: (origin) =>
      origin.scheme === "http"
        ? undefined
        : {
            name: origin.host.replace(/^\[(.*)\]$/, "$1"),
            ca,
            verify: !flags.insecure,
            alpn: ["http/1.1"],
          },
    connectTime: secondsOf("connect-timeout", flags["connect-timeout"]),
    responseTime: secondsOf("timeout", flags.timeout),
    rate:
      flags["limit-rate"] === undefined
        ? undefined
        : new RateLimit(bytesOf("limit-rate", flags["limit-rate"])),
    onFallback: (origin, depth, why) =>
      process.stderr.write(
        `netkit: ${origin.host}: the pipeline broke (${why.message}); ${depth} at a time from now on\n`,
      ),
  };
}

function agentOptions(host: Host, flags: FetchFlags, wanted: readonly Wanted[]): AgentOptions {
  return {
    follow: flags.location || flags["location-trusted"],
    maxRedirects: flags["max-redirs"],
    trusted: flags["location-trusted"],
    credentials: credentialsOf(flags, wanted, host.random),
    retry: {
      times: flags.retry,
      delay:
        flags["retry-delay"] === undefined
          ? undefined
          : secondsOf("retry-delay", flags["retry-delay"]),
    },
  };
}

function print(results: readonly SetResult[], flags: FetchFlags): void {
  if (flags.silent) return;
  // With the body on stdout the report would be part of it.
  const out = flags.output === "-" ? process.stderr : process.stdout;
  if (flags.json) {
    const sets = results.map(setJson);
    out.write(`${JSON.stringify(flags.compare || flags.warm ? { sets } : sets[0])}\n`);
    return;
  }
  const paint = palette(flags.color);
  const width = out.isTTY === true ? out.columns : 100;
  if (flags.compare) out.write(renderScorecard(results, paint));
  else for (const result of results) out.write(renderWaterfall(result, paint, width));
}

function exitCodeOf(results: readonly SetResult[], flags: FetchFlags): number {
  const objects = results.flatMap((result) => result.objects);
  const faults = objects.flatMap(({ error }) => (error === undefined ? [] : [error.fault]));
  for (const { url, error } of objects) {
    if (error !== undefined) process.stderr.write(`netkit: ${url}: ${error.message}\n`);
  }
  if (faults.some((fault) => fault !== "malformed" && fault !== "redirect")) return EXIT.network;
  if (faults.length > 0) return EXIT.input;
  const refused = objects.some(({ head }) => (head?.statusCode ?? 0) >= 400);
  return flags.fail && refused ? EXIT.negative : EXIT.done;
}

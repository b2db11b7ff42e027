/** Runs the rules of proxies and caches against a real one, with an origin of their own behind it. */
import type { Checked } from "../engines/conformance/http-proxy/check.ts";
import { ProxyCheck } from "../engines/conformance/http-proxy/check.ts";
import { ProbeOrigin } from "../engines/conformance/http-proxy/origin.ts";
import { ask, ok } from "../engines/conformance/http-proxy/probe.ts";
import type { ProxyTarget, Rule } from "../engines/conformance/http-proxy/rule.ts";
import { Deviation } from "../engines/conformance/rule.ts";
import type { Endpoint } from "../engines/host.ts";
import { CommandError, EXIT } from "../failure.ts";
import { LiveHost } from "../net/live/host.ts";
import { endpointOf } from "./endpoint.ts";
import { print, ruleCheck, textLine } from "./report.ts";

export interface ProxyAsked {
  /** `http-proxy` or `http-cache`. */
  readonly topic: string;
  readonly proxy: string | undefined;
  /** Where the origin listens. */
  readonly origin: string;
  /** What goes into Host. */
  readonly host: string | undefined;
  readonly forward: boolean;
  readonly format: string;
}

/** True when all rules were kept. @throws CommandError when the proxy does not reach the origin */
export async function runRules(asked: ProxyAsked, rules: readonly Rule[]): Promise<boolean> {
  const { topic, proxy, format, forward } = asked;
  if (proxy === undefined) throw new CommandError("ADDRESS:PORT of the proxy is missing");
  const endpoint = endpointOf(proxy, 80);
  const at = endpointOf(asked.origin, 80);
  const host = new LiveHost();
  const origin = new ProbeOrigin(host);
  try {
    await listen(origin, at, asked.origin);
    const target: ProxyTarget = { origin, host: asked.host ?? asked.origin, forward };
    await reachable(host, endpoint, target);
    const results: Checked[] = [];
    await new Promise<void>((resolve) => {
      const each = (checked: Checked) => {
        results.push(checked);
        if (format === "text") process.stdout.write(`${textLine(ruleCheck(checked))}\n`);
      };
      new ProxyCheck(host, endpoint, target, rules, each, resolve).start();
    });
    const name = `netkit conform ${topic} ${proxy}`;
    const head = { proxy, origin: asked.origin, forward };
    print(format, { name, classname: `netkit.${topic}`, head }, results.map(ruleCheck));
    return results.every(({ outcome }) => outcome !== "failed");
  } finally {
    origin.close();
    host.stop();
  }
}

function listen(origin: ProbeOrigin, at: Endpoint, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    origin.listen(at, (error) => {
      if (error === undefined) resolve();
      else reject(new CommandError(`--origin ${text}: ${error.message}`, EXIT.network));
    });
  });
}

/** Rules mean nothing where the proxy does not lead to the origin. */
async function reachable(host: LiveHost, proxy: Endpoint, target: ProxyTarget): Promise<void> {
  let statusCode = 0;
  const probe: Rule = {
    id: "reachable",
    title: "",
    level: "must",
    spec: "",
    hint: "",
    *check(aim) {
      const path = aim.origin.place(() => ok());
      ({ statusCode } = yield* ask(aim, path));
      if (aim.origin.requests(path).length === 0)
        throw new Deviation(
          `a request is answered with ${statusCode} and does not reach the origin; point the proxy at it, or use --forward`,
        );
    },
  };
  await new Promise<void>((resolve, reject) => {
    const each = ({ outcome, detail }: Checked) => {
      const exit = statusCode === 0 ? EXIT.network : EXIT.input;
      if (outcome === "passed") resolve();
      else reject(new CommandError(`${proxy.addr}:${proxy.port}: ${detail}`, exit));
    };
    new ProxyCheck(host, proxy, target, [probe], each, () => {}).start();
  });
}

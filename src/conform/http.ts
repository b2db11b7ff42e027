/** Runs the rules of HTTP conformance against a real server. */
import type { Checked } from "../engines/conformance/http/check.ts";
import { HttpCheck } from "../engines/conformance/http/check.ts";
import { answer, expectThat } from "../engines/conformance/http/probe.ts";
import type { Rule, Target } from "../engines/conformance/http/rule.ts";
import { RULES } from "../engines/conformance/http/rules.ts";
import type { Endpoint } from "../engines/host.ts";
import { CommandError, EXIT } from "../failure.ts";
import { LiveHost } from "../net/live/host.ts";
import { endpointOf } from "./endpoint.ts";
import { print, ruleCheck, textLine } from "./report.ts";

/** All that there are. */
export const allRules = RULES;

export interface HttpTarget {
  readonly server: string | undefined;
  readonly host: string | undefined;
  readonly path: string;
  readonly format: string;
}

/** True when all rules were kept. @throws CommandError when the server does not answer at all */
export async function runRules(asked: HttpTarget, rules: readonly Rule[]): Promise<boolean> {
  const { server, format, path } = asked;
  if (server === undefined) throw new CommandError("ADDRESS:PORT of the server is missing");
  const endpoint = endpointOf(server, 80);
  const target: Target = { host: asked.host ?? server, path };
  const host = new LiveHost();
  try {
    await reachable(host, endpoint, target);
    const results: Checked[] = [];
    await new Promise<void>((resolve) => {
      const each = (checked: Checked) => {
        results.push(checked);
        if (format === "text") process.stdout.write(`${textLine(ruleCheck(checked))}\n`);
      };
      new HttpCheck(host, endpoint, target, rules, each, resolve).start();
    });
    const name = `netkit conform http ${server}`;
    print(
      format,
      { name, classname: "netkit.http", head: { server, path } },
      results.map(ruleCheck),
    );
    return results.every(({ outcome }) => outcome !== "failed");
  } finally {
    host.stop();
  }
}

/** Rules mean nothing where a plain GET has no 200. */
async function reachable(host: LiveHost, server: Endpoint, target: Target): Promise<void> {
  let statusCode = 0;
  const probe: Rule = {
    id: "reachable",
    title: "",
    level: "must",
    spec: "",
    hint: "",
    *check(aim) {
      ({ statusCode } = yield* answer(aim));
      expectThat(
        statusCode === 200,
        `GET ${aim.path} is answered with ${statusCode}; name a path with 200 by --path`,
      );
    },
  };
  await new Promise<void>((resolve, reject) => {
    const each = ({ outcome, detail }: Checked) => {
      const exit = statusCode === 0 ? EXIT.network : EXIT.input;
      if (outcome === "passed") resolve();
      else reject(new CommandError(`${server.addr}:${server.port}: ${detail}`, exit));
    };
    new HttpCheck(host, server, target, [probe], each, () => {}).start();
  });
}

/** Runs the rules of DNS conformance against a real server. */
import { nameLabels, TYPE } from "../codecs/dns/index.ts";
import { EncodeError } from "../codecs/errors.ts";
import type { Checked } from "../engines/conformance/dns/check.ts";
import { DnsCheck } from "../engines/conformance/dns/check.ts";
import type { Rule, Target } from "../engines/conformance/dns/rule.ts";
import { RULES } from "../engines/conformance/dns/rules.ts";
import type { ExchangeResult } from "../engines/dns/client/exchange.ts";
import { Exchange } from "../engines/dns/client/exchange.ts";
import { clientQuery } from "../engines/dns/client/query.ts";
import type { Endpoint } from "../engines/host.ts";
import { CommandError, EXIT } from "../failure.ts";
import { LiveHost } from "../net/live/host.ts";
import { rcodeName } from "../render/dns-names.ts";
import { endpointOf } from "./endpoint.ts";
import { print, ruleCheck, textLine } from "./report.ts";

/** All that there are. */
export const allRules = RULES;
const DNS_PORT = 53;
const ZONE_WAIT_MS = 1500;

function targetOf(zone: string | undefined): Target {
  const name = zone === undefined ? "." : zone.endsWith(".") ? zone : `${zone}.`;
  try {
    const wireLength = nameLabels(name).reduce((sum, label) => sum + label.length + 1, 1);
    const unixSeconds = Math.floor(Date.now() / 1000);
    return { name, wireLength, hasZone: zone !== undefined, unixSeconds };
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw new CommandError(error.message);
  }
}

/** True when all rules were kept. @throws CommandError when the server does not answer at all */
export async function runRules(
  server: string | undefined,
  zone: string | undefined,
  rules: readonly Rule[],
  format: string,
): Promise<boolean> {
  if (server === undefined) throw new CommandError("ADDRESS:PORT of the server is missing");
  const endpoint = endpointOf(server, DNS_PORT);
  const target = targetOf(zone);
  const host = new LiveHost();
  try {
    if (!(await answers(host, endpoint, target)))
      throw new CommandError(`${server} does not answer DNS queries`, EXIT.network);
    if (target.hasZone) await requireZone(host, endpoint, target, server);
    const results: Checked[] = [];
    await new Promise<void>((resolve) => {
      const each = (checked: Checked) => {
        results.push(checked);
        if (format === "text") process.stdout.write(`${textLine(ruleCheck(checked))}\n`);
      };
      new DnsCheck(host, endpoint, target, rules, each, resolve).start();
    });
    const name = `netkit conform dns ${server}`;
    const head = { server, ...(zone === undefined ? {} : { zone: target.name }) };
    print(format, { name, classname: "netkit.dns", head }, results.map(ruleCheck));
    return results.every((checked) => checked.outcome !== "failed");
  } finally {
    host.stop();
  }
}

/** Rules about a zone that is not there would tell of nothing but that. @throws CommandError */
async function requireZone(
  host: LiveHost,
  server: Endpoint,
  { name }: Target,
  text: string,
): Promise<void> {
  const message = clientQuery(name, TYPE.SOA, { rd: false }, host.random);
  const result = await new Promise<ExchangeResult>((done) =>
    new Exchange(
      host,
      { server, transport: "udp", query: message, tries: 2, timeoutMs: ZONE_WAIT_MS },
      done,
    ).start(),
  );
  if (!result.ok) return; // some rule tells
  const { rcode, aa, answers } = result.response;
  if (aa || answers.length > 0) return;
  throw new CommandError(
    `${text} does not serve ${name}: its SOA is answered with ${rcodeName(rcode)}, without AA`,
  );
}

/** Whether there is a server at all: the first rule is kept or broken, but not by silence. */
function answers(host: LiveHost, endpoint: Endpoint, target: Target): Promise<boolean> {
  const [first] = RULES;
  return new Promise((resolve) => {
    const each = ({ detail }: Checked) => resolve(detail !== "no answer came");
    new DnsCheck(
      host,
      endpoint,
      target,
      first === undefined ? [] : [first],
      each,
      () => {},
    ).start();
  });
}

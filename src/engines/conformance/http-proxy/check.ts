/** Carries out rules against a proxy, one after the other, on any host. */
import type { Endpoint, Host } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import { converse } from "../http/converse.ts";
import type { Reply } from "../http/rule.ts";
import type { CheckedRule } from "../runner.ts";
import { RuleRunner } from "../runner.ts";
import type { ProxyTarget, Rule, Step } from "./rule.ts";

export type Checked = CheckedRule<Rule>;

const NOTHING: Reply = { responses: [], interim: [], closed: false, fault: undefined, octets: 0 };

export class ProxyCheck extends RuleRunner<Rule, ProxyTarget, Step, Reply> {
  constructor(
    host: Host,
    proxy: Endpoint,
    target: ProxyTarget,
    rules: readonly Rule[],
    each: (checked: Checked) => void,
    done: () => void,
  ) {
    const perform = (step: Step, back: (reply: Reply) => void) => {
      if (!("pause" in step)) converse(host, proxy, step, back);
      else host.clock.timer(() => back(NOTHING)).armAt(host.clock.now() + step.pause * MILLISECOND);
    };
    super({ clock: host.clock, rules, target, perform, each, done });
  }
}

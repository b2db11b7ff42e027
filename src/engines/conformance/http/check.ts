/** Carries out rules against a server, one after the other, on any host. */
import type { Endpoint, Host } from "../../host.ts";
import type { CheckedRule } from "../runner.ts";
import { RuleRunner } from "../runner.ts";
import { converse } from "./converse.ts";
import type { Reply, Rule, Step, Target } from "./rule.ts";

export type Checked = CheckedRule<Rule>;

export class HttpCheck extends RuleRunner<Rule, Target, Step, Reply> {
  constructor(
    host: Host,
    server: Endpoint,
    target: Target,
    rules: readonly Rule[],
    each: (checked: Checked) => void,
    done: () => void,
  ) {
    const perform = (step: Step, back: (reply: Reply) => void) =>
      converse(host, server, step, back);
    super({ clock: host.clock, rules, target, perform, each, done });
  }
}

/** Carries out rules one after the other, of whatever protocol. */
import type { Clock, Nanos } from "../host.ts";
import type { RuleOf } from "./rule.ts";
import { Deviation, Inapplicable } from "./rule.ts";

export interface CheckedRule<Rule> {
  readonly rule: Rule;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped. */
  readonly detail: string;
  readonly took: Nanos;
}

export interface Runs<Rule, Target, Step, Reply> {
  readonly clock: Clock;
  readonly rules: readonly Rule[];
  readonly target: Target;
  /** Carries out one step; calls back once, never inside the call. */
  perform(step: Step, done: (reply: Reply) => void): void;
  each(checked: CheckedRule<Rule>): void;
  done(): void;
}

export class RuleRunner<Rule extends RuleOf<Target, Step, Reply>, Target, Step, Reply> {
  private readonly runs: Runs<Rule, Target, Step, Reply>;
  private next = 0;
  private started: Nanos = 0;

  constructor(runs: Runs<Rule, Target, Step, Reply>) {
    this.runs = runs;
  }

  start(): void {
    const { rules, clock, target } = this.runs;
    const rule = rules[this.next];
    if (rule === undefined) {
      this.runs.done();
      return;
    }
    this.started = clock.now();
    const conversation = rule.check(target);
    this.go(rule, conversation, () => conversation.next());
  }

  private go(
    rule: Rule,
    conversation: Generator<Step, void, Reply>,
    resume: () => IteratorResult<Step, void>,
  ): void {
    let step: IteratorResult<Step, void>;
    try {
      step = resume();
    } catch (error) {
      if (error instanceof Deviation) this.finish(rule, "failed", error.message);
      else if (error instanceof Inapplicable) this.finish(rule, "skipped", error.message);
      else throw error;
      return;
    }
    if (step.done === true) {
      this.finish(rule, "passed", "");
      return;
    }
    this.runs.perform(step.value, (reply) =>
      this.go(rule, conversation, () => conversation.next(reply)),
    );
  }

  private finish(rule: Rule, outcome: "passed" | "failed" | "skipped", detail: string): void {
    const { clock } = this.runs;
    this.next++;
    this.runs.each({ rule, outcome, detail, took: clock.now() - this.started });
    clock.defer(() => this.start());
  }
}

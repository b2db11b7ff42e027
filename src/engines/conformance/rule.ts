/** What rules of all protocols have in common. */
export type Level = "must" | "should" | "may";

/** A rule as a conversation: steps out, what came back judged. */
export interface RuleOf<Target, Step, Reply> {
  /** Section of its RFC, and a number: `rfc1035.4.1.1-3`. */
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly spec: string;
  /** How the server is mended. */
  readonly hint: string;
  /** Returns when the rule is kept. @throws Deviation when not */
  check(target: Target): Generator<Step, void, Reply>;
}

/** The rule is broken. */
export class Deviation extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Deviation";
  }
}

/** The rule says nothing about this server. */
export class Inapplicable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Inapplicable";
  }
}

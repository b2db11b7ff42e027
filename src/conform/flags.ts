/** Flags that all commands of rules share. */
import * as Flags from "@oclif/core/flags";

export const RULE_FLAGS = {
  only: Flags.string({ description: "only rules whose identifier contains this" }),
  level: Flags.string({
    description: "rules down to this level",
    options: ["must", "should", "may"],
    default: "should",
  }),
  format: Flags.string({
    description: "report",
    options: ["text", "json", "junit", "tap"],
    default: "text",
  }),
  list: Flags.boolean({ description: "list the rules and check nothing" }),
};

/** Of rules that need an origin behind what is checked. */
export const ORIGIN_FLAGS = {
  origin: Flags.string({
    default: "127.0.0.1:8090",
    helpValue: "ADDRESS:PORT",
    description: "where the origin of the rules listens",
  }),
  forward: Flags.boolean({
    default: false,
    description: "the proxy goes where the request says: targets are absolute",
  }),
  host: Flags.string({ description: "the value of Host [default: the origin]" }),
};

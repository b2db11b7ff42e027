/** Flags of `http fetch`: which connections and requests go when. */
import * as Flags from "@oclif/core/flags";

export const strategyFlags = {
  serial: Flags.boolean({
    description: "a connection per object, one after the other",
    exclusive: ["persistent", "concurrent", "pipelined"],
    helpGroup: "STRATEGY",
  }),
  persistent: Flags.boolean({
    description:
      "one connection, a request after each response (the default); with --concurrent, M kept",
    helpGroup: "STRATEGY",
  }),
  concurrent: Flags.integer({
    min: 1,
    max: 256,
    helpValue: "M",
    description: "M connections at once, one per object; kept with --persistent or --pipelined",
    helpGroup: "STRATEGY",
  }),
  pipelined: Flags.boolean({
    description: "requests go ahead of their responses",
    helpGroup: "STRATEGY",
  }),
  depth: Flags.integer({
    min: 1,
    max: 10_000,
    helpValue: "N",
    dependsOn: ["pipelined"],
    description: "unanswered requests on a connection (default 100)",
    helpGroup: "STRATEGY",
  }),
  warm: Flags.boolean({
    description: "fetch the set twice on the same connections, and report both",
    exclusive: ["serial"],
    helpGroup: "STRATEGY",
  }),
  compare: Flags.boolean({
    description: "fetch by every strategy, and print the scorecard",
    exclusive: ["serial", "persistent", "pipelined", "warm"],
    helpGroup: "STRATEGY",
  }),
  simulated: Flags.string({
    helpValue: "DIR",
    description: "no network: a server of DIR in virtual time, --rtt away, answers for every name",
    helpGroup: "STRATEGY",
  }),
  rtt: Flags.string({
    helpValue: "100ms",
    dependsOn: ["simulated"],
    description: "round trip of the simulated network (default 100ms)",
    helpGroup: "STRATEGY",
  }),
} as const;

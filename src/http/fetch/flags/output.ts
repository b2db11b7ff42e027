/** Flags of `http fetch`: where bodies and the report go. */
import * as Flags from "@oclif/core/flags";

export const outputFlags = {
  output: Flags.string({
    char: "o",
    helpValue: "FILE",
    description: "the body of the one object to a file; - is stdout, and the report goes to stderr",
    exclusive: ["remote-name", "compare", "warm"],
    helpGroup: "OUTPUT",
  }),
  "remote-name": Flags.boolean({
    char: "O",
    description: "bodies to files named as the last part of their paths",
    exclusive: ["compare", "warm"],
    helpGroup: "OUTPUT",
  }),
  fail: Flags.boolean({
    char: "f",
    description: "exit 1 for a status of 400 or more",
    helpGroup: "OUTPUT",
  }),
  verbose: Flags.boolean({
    char: "v",
    description: "both heads of each exchange, on stderr",
    helpGroup: "OUTPUT",
  }),
  json: Flags.boolean({ description: "the report as JSON", helpGroup: "OUTPUT" }),
  color: Flags.boolean({
    allowNo: true,
    description: "colours (default: on a terminal)",
    helpGroup: "OUTPUT",
  }),
  har: Flags.string({
    helpValue: "FILE",
    description: "the run as HTTP Archive 1.2",
    helpGroup: "OUTPUT",
  }),
  include: Flags.boolean({
    char: "i",
    dependsOn: ["output"],
    description: "with --output -: the response's head before the body",
    helpGroup: "OUTPUT",
  }),
  silent: Flags.boolean({
    char: "s",
    description: "no report and no progress",
    exclusive: ["json", "compare"],
    helpGroup: "OUTPUT",
  }),
} as const;

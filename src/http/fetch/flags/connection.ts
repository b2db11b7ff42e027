/** Flags of `http fetch`: how servers are reached. */
import * as Flags from "@oclif/core/flags";

export const connectionFlags = {
  dns: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: "@SERVER",
    description: "ask this DNS server for names (default: hosts file, then the system's servers)",
    helpGroup: "CONNECTION",
  }),
  resolve: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: "NAME:ADDRESS",
    description: "take this address for a name",
    helpGroup: "CONNECTION",
  }),
  cacert: Flags.string({
    helpValue: "FILE",
    description: "authorities to trust, in PEM",
    helpGroup: "CONNECTION",
  }),
  insecure: Flags.boolean({
    char: "k",
    description: "check no certificate",
    helpGroup: "CONNECTION",
  }),
  "connect-timeout": Flags.string({
    helpValue: "SECONDS",
    default: "30",
    description: "for a connection to open",
    helpGroup: "CONNECTION",
  }),
  timeout: Flags.string({
    helpValue: "SECONDS",
    default: "60",
    description: "without an octet of a response",
    helpGroup: "CONNECTION",
  }),
} as const;

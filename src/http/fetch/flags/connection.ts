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
    helpValue: "NAME[:PORT]:ADDRESS",
    description: "take this address for a name, with PORT only for that port",
    helpGroup: "CONNECTION",
  }),
  ipv4: Flags.boolean({
    char: "4" as "a",
    exclusive: ["ipv6"],
    description: "IPv4 addresses only",
    helpGroup: "CONNECTION",
  }),
  ipv6: Flags.boolean({
    char: "6" as "a",
    description: "IPv6 addresses only",
    helpGroup: "CONNECTION",
  }),
  "attempt-delay": Flags.string({
    helpValue: "250ms",
    default: "250ms",
    description: "before the next address of a name is tried beside the last one (RFC 8305)",
    helpGroup: "CONNECTION",
  }),
  cacert: Flags.string({
    helpValue: "FILE",
    description: "authorities to trust, in PEM",
    helpGroup: "CONNECTION",
  }),
  cert: Flags.string({
    char: "E",
    helpValue: "FILE",
    description: "our own certificate, in PEM",
    helpGroup: "CONNECTION",
  }),
  key: Flags.string({
    helpValue: "FILE",
    dependsOn: ["cert"],
    description: "its key (default: in the same file)",
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
  "max-time": Flags.string({
    char: "m",
    helpValue: "SECONDS",
    description: "for everything",
    helpGroup: "CONNECTION",
  }),
  retry: Flags.integer({
    min: 0,
    max: 1000,
    default: 0,
    helpValue: "N",
    description:
      "try again after 408, 429, 500, 502, 503, 504 and failures that may pass; goes on where a body was cut",
    helpGroup: "CONNECTION",
  }),
  "retry-delay": Flags.string({
    helpValue: "SECONDS",
    description: "between tries (default 1, doubled each time; Retry-After counts where longer)",
    helpGroup: "CONNECTION",
  }),
  "limit-rate": Flags.string({
    helpValue: "BYTES",
    description: "octets a second of all bodies that come, and of all that go (K, M, G may follow)",
    helpGroup: "CONNECTION",
  }),
} as const;

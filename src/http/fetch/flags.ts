/** Flags of `http fetch`. */
import * as Flags from "@oclif/core/flags";

export const fetchFlags = {
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
  page: Flags.boolean({
    description: "each URL is a page: fetch what it embeds as well, as a browser would",
    exclusive: ["output", "remote-name"],
    helpGroup: "REQUEST",
  }),
  "http1.0": Flags.boolean({ description: "requests of HTTP/1.0", helpGroup: "REQUEST" }),
  simulated: Flags.string({
    helpValue: "DIR",
    description: "no network: a server of DIR in virtual time, --rtt away, answers for every name",
    helpGroup: "STRATEGY",
  }),
  rtt: Flags.string({
    helpValue: "100ms",
    default: "100ms",
    description: "round trip of the simulated network",
    helpGroup: "STRATEGY",
  }),
  request: Flags.string({
    char: "X",
    helpValue: "METHOD",
    description: "the method",
    helpGroup: "REQUEST",
  }),
  head: Flags.boolean({
    char: "I",
    description: "HEAD: heads only",
    exclusive: ["request", "data"],
    helpGroup: "REQUEST",
  }),
  header: Flags.string({
    char: "H",
    multiple: true,
    multipleNonGreedy: true,
    helpValue: "'NAME: VALUE'",
    description: "a field of the request; without a value it is left out",
    helpGroup: "REQUEST",
  }),
  data: Flags.string({
    char: "d",
    helpValue: "TEXT|@FILE",
    description: "a body; POST, where no method is given",
    helpGroup: "REQUEST",
  }),
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

export interface FetchFlags {
  readonly serial: boolean;
  readonly persistent: boolean;
  readonly concurrent?: number | undefined;
  readonly pipelined: boolean;
  readonly depth?: number | undefined;
  readonly warm: boolean;
  readonly compare: boolean;
  readonly simulated?: string | undefined;
  readonly rtt: string;
  readonly page: boolean;
  readonly "http1.0": boolean;
  readonly request?: string | undefined;
  readonly head: boolean;
  readonly header?: string[] | undefined;
  readonly data?: string | undefined;
  readonly output?: string | undefined;
  readonly "remote-name": boolean;
  readonly fail: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
  readonly color?: boolean | undefined;
  readonly dns?: string[] | undefined;
  readonly resolve?: string[] | undefined;
  readonly cacert?: string | undefined;
  readonly insecure: boolean;
  readonly "connect-timeout": string;
  readonly timeout: string;
}

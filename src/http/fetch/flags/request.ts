/** Flags of `http fetch`: what is asked for. */
import * as Flags from "@oclif/core/flags";

export const requestFlags = {
  page: Flags.boolean({
    description: "each URL is a page: fetch what it embeds as well, as a browser would",
    exclusive: ["output", "remote-name"],
    helpGroup: "REQUEST",
  }),
  "http1.0": Flags.boolean({ description: "requests of HTTP/1.0", helpGroup: "REQUEST" }),
  request: Flags.string({
    char: "X",
    helpValue: "METHOD",
    description: "the method",
    helpGroup: "REQUEST",
  }),
  head: Flags.boolean({
    char: "I",
    description: "HEAD: heads only",
    exclusive: ["request", "data", "form", "upload-file", "json-data"],
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
  "user-agent": Flags.string({
    char: "A",
    default: "netkit",
    helpValue: "TEXT",
    description: "the User-Agent",
    helpGroup: "REQUEST",
  }),
  referer: Flags.string({
    char: "e",
    helpValue: "URL",
    description: "the Referer",
    helpGroup: "REQUEST",
  }),
} as const;

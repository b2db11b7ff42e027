/** Flags of `http fetch`: redirects, and who asks. */
import * as Flags from "@oclif/core/flags";

export const authFlags = {
  location: Flags.boolean({
    char: "L",
    description: "follow redirects",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  "max-redirs": Flags.integer({
    min: 0,
    max: 1000,
    default: 50,
    helpValue: "N",
    description: "redirects of one object",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  "location-trusted": Flags.boolean({
    description: "follow redirects, with the credentials wherever they lead",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  user: Flags.string({
    char: "u",
    helpValue: "NAME:PASSWORD",
    description: "for the servers of the named URLs: Basic, or Digest where they ask for it",
    exclusive: ["bearer"],
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  digest: Flags.boolean({
    description: "no password in plain: ask without one first, and answer Digest only",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  bearer: Flags.string({
    helpValue: "TOKEN",
    description: "a bearer token for the servers of the named URLs",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  netrc: Flags.boolean({
    char: "n",
    description: "names and passwords by host from $NETRC or ~/.netrc",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  "netrc-file": Flags.string({
    helpValue: "FILE",
    description: "the same from this file",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  cookie: Flags.string({
    char: "b",
    multiple: true,
    multipleNonGreedy: true,
    helpValue: "'NAME=VALUE'|FILE",
    description: "cookies for the servers of the named URLs, or a file of cookies to begin with",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  "cookie-jar": Flags.string({
    char: "c",
    helpValue: "FILE",
    description: "keep cookies over runs in a file that curl reads as well",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
  "junk-session-cookies": Flags.boolean({
    char: "j",
    description: "leave out cookies of files that end with their session",
    helpGroup: "REDIRECTS AND CREDENTIALS",
  }),
} as const;

/** Flags of servers of HTTP: where they listen with TLS. */
import * as Flags from "@oclif/core/flags";
import { many } from "../repeated.ts";

export const tlsListenFlags = {
  "listen-tls": Flags.string({
    ...many,
    helpValue: "ADDRESS:PORT",
    description: "the same with TLS; needs --cert and --key",
  }),
  cert: Flags.string({ helpValue: "FILE", description: "certificate chain, PEM" }),
  key: Flags.string({ helpValue: "FILE", description: "its key, PEM" }),
} as const;

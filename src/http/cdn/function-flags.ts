/** Flags of the functions at an edge, for the commands that have them. */
import * as Flags from "@oclif/core/flags";
import { many } from "../../repeated.ts";

export const edgeFunctionFlags = {
  esi: Flags.boolean({
    description:
      'pages from templates and fragments, where the origin says Surrogate-Control: content="ESI/1.0"',
  }),
  watermark: Flags.boolean({ description: "the client's address in each page that it is given" }),
  compress: Flags.boolean({ description: "gzip and Brotli for clients that take them" }),
  limit: Flags.string({
    helpValue: "AMOUNT/s*BURST",
    description: "requests of one client (an IPv6 client is its /64), e.g. 10/s*20; more get 429",
  }),
  "limit-bytes": Flags.string({
    helpValue: "AMOUNT/s*BURST",
    description: "octets that one client is sent, e.g. 1M/s*4M",
  }),
  signed: Flags.string({
    ...many,
    helpValue: "PATH",
    description: "given with a signature only, as `http cdn sign` makes one; may repeat",
  }),
  key: Flags.string({
    ...many,
    helpValue: "ID=FILE|HEX",
    description: "a key of signatures; may repeat, so that keys can be changed",
  }),
};

/** Flags of `http fetch`: the way to servers. */
import * as Flags from "@oclif/core/flags";

const helpGroup = "PROXIES AND WAYS";

export const proxyFlags = {
  proxy: Flags.string({
    char: "x",
    helpValue: "URL",
    description:
      "through http://, https:// (TLS with the proxy), socks5:// or socks5h:// (which looks names up); default: http_proxy, https_proxy, all_proxy",
    helpGroup,
  }),
  "proxy-cacert": Flags.string({
    helpValue: "FILE",
    description: "authorities to trust with an https:// proxy, in PEM",
    helpGroup,
  }),
  "proxy-insecure": Flags.boolean({
    description: "do not check the certificate of an https:// proxy",
    helpGroup,
  }),
  "proxy-user": Flags.string({
    char: "U",
    helpValue: "NAME:PASSWORD",
    description: "for the proxy",
    helpGroup,
  }),
  noproxy: Flags.string({
    helpValue: "HOST,...",
    description:
      "names (with those below), addresses and blocks to reach directly; * is all (default: no_proxy)",
    helpGroup,
  }),
  "unix-socket": Flags.string({
    helpValue: "PATH",
    description: "the server listens on this socket of the file system",
    exclusive: ["proxy", "simulated"],
    helpGroup,
  }),
  interface: Flags.string({
    helpValue: "NAME|ADDRESS",
    description: "connect from this interface or address",
    helpGroup,
  }),
  "dns-mode": Flags.string({
    options: ["stub", "iterative", "hybrid", "recursive"],
    default: "stub",
    description: "who walks from the root: see dns resolve --mode",
    helpGroup,
  }),
  "dns-hints": Flags.string({
    helpValue: "FILE",
    description: "the servers of the root, for --dns-mode",
    helpGroup,
  }),
  "dns-port": Flags.integer({
    min: 1,
    max: 65_535,
    default: 53,
    helpValue: "PORT",
    description: "of the servers that --dns-mode asks",
    helpGroup,
  }),
} as const;

/** Which proxy a request goes through: `--proxy`, or the environment's words, as curl reads them. */
import { BlockList, isIP } from "node:net";
import { parseUri, percentDecode } from "../../codecs/http/uri.ts";
import type { TlsClient } from "../../engines/host.ts";
import type { ProxyServer } from "../../engines/http/fetch/fetcher.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import { CommandError } from "../../failure.ts";
import { authorities } from "../../pem.ts";
import type { FetchFlags } from "./flags.ts";

type Choose = (origin: Origin) => ProxyServer | undefined;

/** @throws CommandError */
export function proxyChooser(flags: FetchFlags, env: NodeJS.ProcessEnv): Choose {
  const word = (name: string) => env[name.toLowerCase()] ?? env[name.toUpperCase()];
  const noproxy = flags.noproxy ?? word("no_proxy") ?? "";
  const spared = sparing(noproxy);
  if (flags.proxy !== undefined) {
    const proxy = flags.proxy === "" ? undefined : proxyOf("--proxy", flags.proxy, flags);
    return ({ host }) => (spared(host) ? undefined : proxy);
  }
  const chosen = (name: string, text: string | undefined) =>
    text === undefined || text === "" ? undefined : proxyOf(name, text, flags);
  // HTTP_PROXY may come from a Proxy field of a request to a CGI script: the lower-case word only.
  const http = chosen("http_proxy", env["http_proxy"] ?? word("all_proxy"));
  const https = chosen("https_proxy", word("https_proxy") ?? word("all_proxy"));
  return ({ scheme, host }) => {
    if (spared(host) || isLoopback(host)) return undefined;
    return scheme === "https" ? https : http;
  };
}

/** What the environment says is not for servers on this machine. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}

function proxyOf(name: string, text: string, flags: FetchFlags): ProxyServer {
  const full = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
  const uri = parseUri(full);
  const kind =
    uri?.scheme === "http" || uri?.scheme === "https"
      ? "http"
      : uri?.scheme === "socks5" || uri?.scheme === "socks5h"
        ? "socks5"
        : undefined;
  if (uri?.host === undefined || uri.host === "" || kind === undefined) {
    throw new CommandError(
      `${name} ${text}: write it as http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT`,
    );
  }
  const secure = uri.scheme === "https";
  const usual = secure ? 443 : 1080;
  const port = uri.port === undefined || uri.port === "" ? usual : Number(uri.port);
  if (!(port > 0 && port < 65_536)) throw new CommandError(`${name} ${text}: not a port`);
  const [user, password] = secretOf(name, flags["proxy-user"] ?? decoded(uri.userinfo));
  const remoteNames = uri.scheme === "socks5h";
  const host = uri.host.toLowerCase();
  const tls = secure ? tlsWith(host, flags) : undefined;
  return { kind, tls, host, port, user, password, remoteNames };
}

/** What `--cacert` and `--insecure` say is for servers; the proxy has flags of its own. */
function tlsWith(host: string, flags: FetchFlags): TlsClient {
  return {
    name: host.replace(/^\[(.*)\]$/, "$1"),
    ca: authorities(flags["proxy-cacert"]),
    verify: !flags["proxy-insecure"],
    alpn: ["http/1.1"],
  };
}

function decoded(userinfo: string | undefined): string | undefined {
  return userinfo === undefined ? undefined : (percentDecode(userinfo) ?? userinfo);
}

function secretOf(
  name: string,
  text: string | undefined,
): [string | undefined, string | undefined] {
  if (text === undefined) return [undefined, undefined];
  if (/[\0-\x1f\x7f]/.test(text)) {
    throw new CommandError(`${name}: names and passwords have no control characters`);
  }
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `*`, names with all below them, addresses and blocks of them (10.0.0.0/8). */
function sparing(list: string): (host: string) => boolean {
  const words = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((one) => one !== "");
  if (words.includes("*")) return () => true;
  const blocks = new BlockList();
  const names: string[] = [];
  for (const one of words) {
    const [address = "", bits] = one.replace(/^\[(.*)\]/, "$1").split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const most = family === "ipv6" ? 128 : 32;
    if (isIP(address) === 0) names.push(one.replace(/^\./, "").replace(/\.$/, ""));
    else if (bits === undefined) blocks.addAddress(address, family);
    else if (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= most) {
      blocks.addSubnet(address, Number(bits), family);
    }
  }
  return (host) => {
    const bare = host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
    const version = isIP(bare);
    if (version !== 0) return blocks.check(bare, version === 6 ? "ipv6" : "ipv4");
    return names.some((name) => bare === name || bare.endsWith(`.${name}`));
  };
}

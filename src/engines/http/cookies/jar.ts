/**
 * The cookies of one user agent. RFC 6265 5.3, 5.4, with what 6265bis 5.7 adds: prefixes, secure
 * cookies that plain HTTP cannot overwrite, SameSite. Time is the host's wall clock.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Cookies } from "../fetch/agent.ts";
import type { Origin } from "../fetch/origin.ts";
import { allOf } from "../fields.ts";
import { defaultPath, domainMatches, isAddress, pathMatches } from "./match.ts";
import type { SameSite, SetCookie } from "./set-cookie.ts";
import { parseSetCookie } from "./set-cookie.ts";

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Only the very host that set it sees it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite;
  /** Milliseconds since 1970; undefined: until the session ends. */
  readonly expiresMs: number | undefined;
}

/** Knows which names are registries, under which everyone may have a name. */
export interface PublicSuffixes {
  isPublic(host: string): boolean;
  /** The name under the registry's that `host` belongs to, or itself. */
  site(host: string): string;
}

export interface JarOptions {
  now(): number;
  readonly suffixes: PublicSuffixes;
  /** RFC 6265 6.1 asks for at least 50 of a domain and 3000 in all. */
  readonly perDomain?: number | undefined;
  readonly total?: number | undefined;
}

interface Kept extends Cookie {
  /** Order of creation and of last use. */
  readonly created: number;
  used: number;
}

const PER_DOMAIN = 180;
const TOTAL = 3000;

export class CookieJar implements Cookies {
  private readonly options: JarOptions;
  private readonly cookies = new Map<string, Kept>();
  private count = 0;

  constructor(options: JarOptions) {
    this.options = options;
  }

  /** All Set-Cookie fields of a response. */
  store(origin: Origin, target: string, fields: readonly Field[]): void {
    for (const line of allOf(fields, "set-cookie")) this.set(origin, target, line);
  }

  /** Why a cookie was not taken; undefined when it was. */
  set(origin: Origin, target: string, line: string): string | undefined {
    const said = parseSetCookie(line, this.options.now());
    if (said === undefined) return "it names no cookie";
    const { host } = origin;
    let { domain } = said;
    if (domain !== undefined && this.options.suffixes.isPublic(domain)) {
      if (domain !== host) return `everyone may have a name under ${domain}`;
      domain = undefined;
    }
    if (domain !== undefined && !domainMatches(host, domain)) return `${domain} is another domain`;
    const trusted = isSecure(origin);
    if (said.secure && !trusted) return "Secure, and the connection is not";
    const cookie: Cookie = {
      name: said.name,
      value: said.value,
      domain: domain ?? host,
      hostOnly: domain === undefined,
      path: said.path ?? defaultPath(target),
      secure: said.secure,
      httpOnly: said.httpOnly,
      sameSite: said.sameSite,
      expiresMs: said.expiresMs,
    };
    if (!keepsPrefix(cookie, said)) return `${said.name} promises what the cookie does not keep`;
    if (!trusted && this.shadowsSecure(cookie)) return "a secure cookie has this name";
    this.add(cookie);
    return undefined;
  }

  /** Takes a cookie as it is, in place of one with its name, domain and path. */
  add(cookie: Cookie): void {
    const key = keyOf(cookie);
    const old = this.cookies.get(key);
    this.cookies.delete(key);
    const created = old?.created ?? ++this.count;
    if (!this.expired(cookie)) this.cookies.set(key, { ...cookie, created, used: ++this.count });
    this.evict(cookie.domain);
  }

  /** RFC 6265 5.4: the value of Cookie, the longest paths first; `from`: what embeds the object. */
  header(origin: Origin, target: string, from?: Origin): string | undefined {
    const { host } = origin;
    const trusted = isSecure(origin);
    const foreign = from !== undefined && !this.sameSite(origin, from);
    const fit: Kept[] = [];
    for (const cookie of this.cookies.values()) {
      const { domain, hostOnly, path, secure, sameSite } = cookie;
      if (hostOnly ? host !== domain : !domainMatches(host, domain)) continue;
      if (!pathMatches(target, path) || (secure && !trusted) || this.expired(cookie)) continue;
      if (foreign && sameSite !== "none") continue;
      fit.push(cookie);
    }
    if (fit.length === 0) return undefined;
    fit.sort((a, b) => b.path.length - a.path.length || a.created - b.created);
    for (const cookie of fit) cookie.used = ++this.count;
    return fit.map(({ name, value }) => (name === "" ? value : `${name}=${value}`)).join("; ");
  }

  /** What is kept and not expired, the oldest first. */
  all(): Cookie[] {
    return [...this.cookies.values()]
      .filter((cookie) => !this.expired(cookie))
      .sort((a, b) => a.created - b.created);
  }

  /** 6265bis 5.2: of one site, over the same scheme. */
  private sameSite(a: Origin, b: Origin): boolean {
    const { suffixes } = this.options;
    const site = ({ host }: Origin) => (isAddress(host) ? host : suffixes.site(host));
    return a.scheme === b.scheme && site(a) === site(b);
  }

  private expired({ expiresMs }: Cookie): boolean {
    return expiresMs !== undefined && expiresMs <= this.options.now();
  }

  /** 6265bis 5.7: plain HTTP must not hide a cookie that was set over TLS. */
  private shadowsSecure(cookie: Cookie): boolean {
    for (const kept of this.cookies.values()) {
      if (!kept.secure || kept.name !== cookie.name || this.expired(kept)) continue;
      const { domain } = kept;
      if (!domainMatches(domain, cookie.domain) && !domainMatches(cookie.domain, domain)) continue;
      if (pathMatches(cookie.path, kept.path)) return true;
    }
    return false;
  }

  /** RFC 6265 5.3: expired ones first, then those of a domain with too many, then any; the longest unused goes. */
  private evict(domain: string): void {
    const { perDomain = PER_DOMAIN, total = TOTAL } = this.options;
    const inDomain = () => [...this.cookies.values()].filter((one) => one.domain === domain);
    if (inDomain().length <= perDomain && this.cookies.size <= total) return;
    for (const [key, cookie] of this.cookies) if (this.expired(cookie)) this.cookies.delete(key);
    for (let many = inDomain(); many.length > perDomain; many = inDomain()) {
      const plain = many.filter(({ secure }) => !secure);
      this.drop(plain.length > 0 ? plain : many);
    }
    while (this.cookies.size > total) this.drop([...this.cookies.values()]);
  }

  private drop(among: readonly Kept[]): void {
    const oldest = among.reduce((a, b) => (b.used < a.used ? b : a));
    this.cookies.delete(keyOf(oldest));
  }
}

function keyOf({ name, domain, hostOnly, path }: Cookie): string {
  return [domain, hostOnly ? "host" : "", path, name].join("\n");
}

/** TLS, or a server on this machine, as user agents have it. */
function isSecure({ scheme, host }: Origin): boolean {
  return (
    scheme === "https" ||
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host)
  );
}

/** 6265bis 4.1.3: a name that begins so tells how the cookie was set. */
function keepsPrefix(cookie: Cookie, said: SetCookie): boolean {
  const told = (cookie.name === "" ? cookie.value : cookie.name).toLowerCase();
  if (!told.startsWith("__secure-") && !told.startsWith("__host-")) return true;
  if (cookie.name === "" || !cookie.secure) return false;
  return told.startsWith("__secure-") || (cookie.hostOnly && said.path === "/");
}

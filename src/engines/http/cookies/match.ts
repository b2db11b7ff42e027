/** Which hosts and paths a cookie is for. RFC 6265 5.1.3, 5.1.4. */

/** `host`: lower case; IPv6 addresses have brackets. */
export function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true;
  return host.endsWith(`.${domain}`) && !isAddress(host);
}

export function isAddress(host: string): boolean {
  return host.startsWith("[") || /^[0-9]+(?:\.[0-9]+){3}$/.test(host);
}

/** `target`: a request's path and query. */
export function defaultPath(target: string): string {
  const path = pathOf(target);
  const last = path.lastIndexOf("/");
  return last <= 0 ? "/" : path.slice(0, last);
}

export function pathMatches(target: string, path: string): boolean {
  const asked = pathOf(target);
  if (asked === path) return true;
  return asked.startsWith(path) && (path.endsWith("/") || asked[path.length] === "/");
}

function pathOf(target: string): string {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return path.startsWith("/") ? path : "/";
}

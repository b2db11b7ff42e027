/** Cookies in the file format of Netscape, as curl and wget read and write it: seven fields with tabs between. */
import type { Cookie } from "../../engines/http/cookies/jar.ts";

const HEADER = `# Netscape HTTP Cookie File
# Kept by netkit http fetch --cookie-jar; curl --cookie reads it.

`;
const HTTP_ONLY = "#HttpOnly_";

export function formatCookies(cookies: readonly Cookie[]): string {
  let text = HEADER;
  for (const cookie of cookies) {
    const { name, value, domain, hostOnly, path, secure, httpOnly, expiresMs } = cookie;
    // The format has no way to write a tab within a field.
    if (`${name}${value}${path}`.includes("\t")) continue;
    const fields = [
      `${httpOnly ? HTTP_ONLY : ""}${hostOnly ? "" : "."}${domain}`,
      hostOnly ? "FALSE" : "TRUE",
      path,
      secure ? "TRUE" : "FALSE",
      expiresMs === undefined ? "0" : String(Math.max(1, Math.floor(expiresMs / 1000))),
      name,
      value,
    ];
    text += `${fields.join("\t")}\n`;
  }
  return text;
}

export function parseCookies(text: string): { cookies: Cookie[]; faults: string[] } {
  const cookies: Cookie[] = [];
  const faults: string[] = [];
  for (const [i, whole] of text.split(/\r?\n/).entries()) {
    const httpOnly = whole.startsWith(HTTP_ONLY);
    const line = httpOnly ? whole.slice(HTTP_ONLY.length) : whole;
    if (line.trim() === "" || (!httpOnly && line.startsWith("#"))) continue;
    const cookie = cookieOf(line, httpOnly);
    if (cookie === undefined) faults.push(`line ${i + 1} is no cookie: seven fields with tabs`);
    else cookies.push(cookie);
  }
  return { cookies, faults };
}

function cookieOf(line: string, httpOnly: boolean): Cookie | undefined {
  const [domain, tail, path, secure, expires, name, value = ""] = line.split("\t");
  if (domain === undefined || path === undefined || name === undefined) return undefined;
  if (!path.startsWith("/") || !/^[0-9]+$/.test(expires ?? "")) return undefined;
  if (/[;\0-\x08\x0a-\x1f\x7f]/.test(name + value)) return undefined;
  const bare = domain.replace(/^\./, "").toLowerCase();
  if (bare === "") return undefined;
  return {
    name,
    value,
    domain: bare,
    hostOnly: tail?.toUpperCase() !== "TRUE",
    path,
    secure: secure?.toUpperCase() === "TRUE",
    httpOnly,
    sameSite: "default",
    expiresMs: Number(expires) === 0 ? undefined : Number(expires) * 1000,
  };
}

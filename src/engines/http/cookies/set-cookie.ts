/** One Set-Cookie field, read as user agents read it. RFC 6265 5.1.1, 5.2, with the limits of 6265bis 5.6. */

export type SameSite = "strict" | "lax" | "none" | "default";

/** What a Set-Cookie field says; what is undefined was not said. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Milliseconds since 1970: what Max-Age says, or else Expires. */
  readonly expiresMs: number | undefined;
  /** Lower case, without its first dot. */
  readonly domain: string | undefined;
  /** Begins with a slash. */
  readonly path: string | undefined;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite;
}

/** 6265bis 5.6: octets of name and value together, and of an attribute's value. */
const MAX_PAIR_BYTES = 4096;
const MAX_ATTRIBUTE_BYTES = 1024;
/** 6265bis 5.5: nothing is kept longer than 400 days. */
const MAX_AGE_MS = 400 * 86_400_000;
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** `line`: octets as characters. Undefined for what sets no cookie. */
export function parseSetCookie(line: string, nowMs: number): SetCookie | undefined {
  if (CONTROL.test(line)) return undefined;
  const [pair, ...attributes] = line.split(";");
  const [name, value] = nameAndValue(pair as string);
  if (name.length + value.length > MAX_PAIR_BYTES || (name === "" && value === "")) {
    return undefined;
  }
  let expires: number | undefined;
  let maxAge: number | undefined;
  let domain: string | undefined;
  let path: string | undefined;
  let secure = false;
  let httpOnly = false;
  let sameSite: SameSite = "default";
  for (const attribute of attributes) {
    const at = attribute.indexOf("=");
    const key = blankless(at < 0 ? attribute : attribute.slice(0, at)).toLowerCase();
    const text = at < 0 ? "" : blankless(attribute.slice(at + 1));
    if (text.length > MAX_ATTRIBUTE_BYTES) continue;
    // The last attribute of a name counts.
    if (key === "expires") expires = parseCookieDate(text) ?? expires;
    else if (key === "max-age" && /^-?[0-9]+$/.test(text)) maxAge = Number(text);
    else if (key === "domain") domain = text.replace(/^\./, "").toLowerCase();
    else if (key === "path") path = text.startsWith("/") ? text : undefined;
    else if (key === "secure") secure = true;
    else if (key === "httponly") httpOnly = true;
    else if (key === "samesite") sameSite = sameSiteOf(text);
  }
  const said = maxAge === undefined ? expires : maxAge <= 0 ? 0 : nowMs + maxAge * 1000;
  return {
    name,
    value,
    expiresMs: said === undefined ? undefined : Math.min(said, nowMs + MAX_AGE_MS),
    domain: domain === "" ? undefined : domain,
    path,
    secure,
    httpOnly,
    sameSite,
  };
}

function nameAndValue(pair: string): readonly [string, string] {
  const at = pair.indexOf("=");
  return at < 0
    ? ["", blankless(pair)]
    : [blankless(pair.slice(0, at)), blankless(pair.slice(at + 1))];
}

function blankless(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function sameSiteOf(text: string): SameSite {
  const lower = text.toLowerCase();
  return lower === "strict" || lower === "lax" || lower === "none" ? lower : "default";
}

const DELIMITERS = /[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** RFC 6265 5.1.1: milliseconds since 1970, or undefined. */
export function parseCookieDate(text: string): number | undefined {
  let time: readonly number[] | undefined;
  let day: number | undefined;
  let month: number | undefined;
  let year: number | undefined;
  for (const token of text.split(DELIMITERS)) {
    const clock = /^([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?$/.exec(token);
    const name = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    if (time === undefined && clock !== null) {
      time = [Number(clock[1]), Number(clock[2]), Number(clock[3])];
    } else if (day === undefined && /^[0-9]{1,2}(?:[^0-9].*)?$/.test(token)) {
      day = Number.parseInt(token, 10);
    } else if (month === undefined && name >= 0) {
      month = name;
    } else if (year === undefined && /^[0-9]{2,4}(?:[^0-9].*)?$/.test(token)) {
      year = Number.parseInt(token, 10);
    }
  }
  if (time === undefined || day === undefined || month === undefined || year === undefined) {
    return undefined;
  }
  if (year >= 70 && year <= 99) year += 1900;
  else if (year < 70) year += 2000;
  const [hour, minute, second] = time as [number, number, number];
  if (day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 || second > 59) {
    return undefined;
  }
  const ms = Date.UTC(year, month, day, hour, minute, second);
  // A day that the month does not have names no date.
  return new Date(ms).getUTCDate() === day ? ms : undefined;
}

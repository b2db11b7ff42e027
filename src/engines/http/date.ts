/** Dates of HTTP. RFC 9110 5.6.7. */

let lastSecond = -1;
let lastText = "";

/** IMF-fixdate. */
export function httpDate(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toUTCString();
  }
  return lastText;
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const IMF =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850 =
  /^(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/** Milliseconds since 1970, or undefined for what is no HTTP-date in any of its three forms. `nowMs`: for years of two digits. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const imf = IMF.exec(text);
  if (imf !== null) return date(imf[3], imf[2], imf[1], imf[4], imf[5], imf[6]);
  const old = RFC850.exec(text);
  if (old !== null) {
    const thisYear = new Date(nowMs).getUTCFullYear();
    let year = Math.floor(thisYear / 100) * 100 + Number(old[3]);
    // One that seems more than 50 years ahead was in the past.
    if (year > thisYear + 50) year -= 100;
    return date(String(year), old[2], old[1], old[4], old[5], old[6]);
  }
  const c = ASCTIME.exec(text);
  if (c !== null) return date(c[6], c[1], c[2], c[3], c[4], c[5]);
  return undefined;
}

function date(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
): number | undefined {
  const at = MONTHS.indexOf(month ?? "?");
  if (at < 0 || at % 3 !== 0) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const days = Number(day);
  const ms = Date.UTC(Number(year), at / 3, days, Number(hour), Number(minute), Number(second));
  return new Date(ms).getUTCDate() === days || Number(second) === 60 ? ms : undefined;
}

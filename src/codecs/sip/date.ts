/** SIP-date: RFC 3261 20.17, the fixed form of RFC 1123 in GMT. */
import { DecodeError } from "../errors.ts";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FORM =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/;

/** Seconds since the epoch. @throws DecodeError */
export function parseDate(text: string): number {
  const parts = FORM.exec(text.trim());
  const month = parts === null ? -1 : MONTHS.indexOf(parts[3] as string);
  if (parts === null || month < 0) {
    throw new DecodeError(
      "sip.date.syntax",
      0,
      "RFC 3261 20.17",
      "not a date of the form Sat, 13 Nov 2010 23:29:00 GMT",
    );
  }
  const [day, year, hour, minute, second] = [2, 4, 5, 6, 7].map((i) => Number(parts[i])) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
    throw new DecodeError(
      "sip.date.range",
      0,
      "RFC 3261 20.17",
      "a day or time that does not exist",
    );
  }
  return Date.UTC(year, month, day, hour, minute, second) / 1000;
}

/** @param seconds since the epoch */
export function formatDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} GMT`;
}

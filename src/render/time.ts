/** Times of records: absolute, or since another one. */
export type TimeStyle = "relative" | "delta" | "utc" | "local" | "epoch";

/** Decimal seconds as nanoseconds. */
function nanos(time: string): bigint {
  const [whole, fraction = ""] = time.split(".");
  return BigInt(whole as string) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}

function seconds(value: bigint, digits: number): string {
  const sign = value < 0n ? "-" : "";
  const positive = value < 0n ? -value : value;
  const fraction = String(positive % 1_000_000_000n)
    .padStart(9, "0")
    .slice(0, digits);
  return `${sign}${positive / 1_000_000_000n}${digits > 0 ? `.${fraction}` : ""}`;
}

/** Formats times one after another; relative ones count from `begin`, deltas from the one before. */
export class TimeFormatter {
  private readonly style: TimeStyle;
  private first: bigint | undefined = undefined;
  private previous: bigint | undefined = undefined;

  constructor(style: TimeStyle) {
    this.style = style;
  }

  /** The capture's first packet, whether a record of it is shown or not. */
  begin(time: string): void {
    this.first ??= nanos(time);
  }

  format(time: string): string {
    if (this.style === "epoch") return time;
    const digits = Math.min(9, time.split(".")[1]?.length ?? 0);
    const at = nanos(time);
    if (this.style === "utc" || this.style === "local") return this.clock(time, digits);
    this.first ??= at;
    const since = this.style === "relative" ? this.first : (this.previous ?? at);
    this.previous = at;
    return seconds(at - since, digits);
  }

  private clock(time: string, digits: number): string {
    const [whole, fraction = ""] = time.split(".");
    const date = new Date(Number(whole) * 1000);
    const tail = digits > 0 ? `.${fraction.slice(0, digits)}` : "";
    if (this.style === "utc") return `${date.toISOString().slice(0, 19)}${tail}Z`;
    const two = (n: number) => String(n).padStart(2, "0");
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${tail}`;
  }
}

/** A place in a capture: which packet, and when. */

/** Time is kept as the integers of the capture, since a double does not hold 19 digits. */
export class Mark {
  /** 1-based number of the packet. */
  frame = 0;
  /** Whole seconds since the epoch. */
  seconds = 0;
  /** Units of 10^-digits seconds, below 10^digits. */
  fraction = 0;
  /** Decimal digits of the capture's clock: 6 for microseconds, 9 for nanoseconds. */
  digits = 6;
  /** Name of the capture, when there are several: frames are counted in each. */
  file: string | undefined = undefined;

  set(from: Mark): this {
    this.frame = from.frame;
    this.seconds = from.seconds;
    this.fraction = from.fraction;
    this.digits = from.digits;
    this.file = from.file;
    return this;
  }

  /** A copy that may be kept: the analyser reuses the mark that it hands out. */
  keep(): Mark {
    return new Mark().set(this);
  }
}

const POWERS = Array.from({ length: 16 }, (_, n) => 10 ** n);

/** As `elapsed`, in units of 10^-digits seconds, `digits` being the larger of the two marks'. */
export function elapsedUnits(from: Mark, to: Mark): number {
  const digits = Math.max(from.digits, to.digits);
  const unit = POWERS[digits] as number;
  const units =
    (to.seconds - from.seconds) * unit +
    to.fraction * (POWERS[digits - to.digits] as number) -
    from.fraction * (POWERS[digits - from.digits] as number);
  return units > 0 ? units : 0;
}

/** Seconds from one mark to a later one; 0 when the capture's clock went back between them. */
export function elapsed(from: Mark, to: Mark): number {
  return elapsedUnits(from, to) / (POWERS[Math.max(from.digits, to.digits)] as number);
}

/** The time as a decimal number with all the digits of the capture. */
export function timeText(mark: Mark): string {
  if (mark.digits === 0) return String(mark.seconds);
  return `${mark.seconds}.${String(mark.fraction).padStart(mark.digits, "0")}`;
}

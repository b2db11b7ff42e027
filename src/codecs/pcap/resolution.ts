/** Timestamps of pcapng: 64-bit counts of 10^-n or 2^-n seconds, with an offset. draft-ietf-opsawg-pcapng 4.2. */

export interface Resolution {
  /** Decimal digits that a time is written with. */
  readonly digits: number;
  /** Units per second. */
  readonly units: bigint;
  /** The same as a number: exact for decimal ones. */
  readonly unitsNumber: number;
  readonly offsetSeconds: number;
  /** 10^-n: the count of units is the decimal fraction itself. */
  readonly decimal: boolean;
  /** Seconds and units of the last high word, so that one packet costs no big integers. */
  cachedHigh: number;
  cachedSeconds: number;
  cachedUnits: number;
}

/** More digits than this do not fit the integers of a double: 10^15 < 2^53. */
const MAX_DIGITS = 15;

/** `value`: the byte of if_tsresol. Exponents beyond what 64 bits hold read as the largest that does. */
export function resolutionOf(value: number, offsetSeconds: number): Resolution {
  const exponent = value & 0x7f;
  const decimal = (value & 0x80) === 0 && exponent <= MAX_DIGITS;
  const units =
    (value & 0x80) === 0
      ? 10n ** BigInt(Math.min(exponent, 19))
      : 2n ** BigInt(Math.min(exponent, 63));
  return {
    digits: decimal ? exponent : (value & 0x80) === 0 ? MAX_DIGITS : Math.min(9, exponent),
    units,
    unitsNumber: Number(units),
    offsetSeconds: Number.isSafeInteger(offsetSeconds) ? offsetSeconds : 0,
    decimal,
    cachedHigh: -1,
    cachedSeconds: 0,
    cachedUnits: 0,
  };
}

/** Splits a timestamp into seconds since the epoch and a decimal fraction of `digits` digits. */
export function epochFraction(
  resolution: Resolution,
  high: number,
  low: number,
  out: { seconds: number; fraction: number },
): void {
  if (!resolution.decimal) {
    const count = (BigInt(high) << 32n) | BigInt(low);
    const { units } = resolution;
    out.seconds = Number(count / units) + resolution.offsetSeconds;
    out.fraction = Number(((count % units) * 10n ** BigInt(resolution.digits)) / units);
    return;
  }
  if (high !== resolution.cachedHigh) {
    const count = BigInt(high) << 32n;
    resolution.cachedHigh = high;
    resolution.cachedSeconds = Number(count / resolution.units) + resolution.offsetSeconds;
    resolution.cachedUnits = Number(count % resolution.units);
  }
  const units = resolution.unitsNumber;
  const sum = resolution.cachedUnits + low;
  const carry = Math.floor(sum / units);
  out.seconds = resolution.cachedSeconds + carry;
  out.fraction = sum - carry * units;
}

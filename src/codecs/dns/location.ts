/** LOC (RFC 1876): sixteen octets of place and precision, and their text. */
import type { JsonWriter } from "../json-writer.ts";

/** RFC 1876 2: latitude and longitude count from 2^31 in thousandths of a second of arc. */
const EQUATOR = 2 ** 31;
/** Centimetres below the WGS 84 spheroid at which altitude 0 lies. */
const ALTITUDE_BASE = 10_000_000;
const SIZES = [1e2, 1e6, 1e3] as const;

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function angle(value: number, positive: string, negative: string): string {
  const size = Math.abs(value - EQUATOR);
  const degrees = Math.floor(size / 3_600_000);
  const minutes = Math.floor(size / 60_000) % 60;
  const seconds = ((size % 60_000) / 1000).toFixed(3);
  return `${degrees} ${minutes} ${seconds} ${value >= EQUATOR ? positive : negative}`;
}

/** Base and exponent of ten in centimetres. */
function size(octet: number): string {
  return `${(((octet >> 4) * 10 ** (octet & 15)) / 100).toFixed(2)}m`;
}

export function writeLocation(json: JsonWriter, bytes: Uint8Array, at: number): void {
  const altitude = (u32(bytes, at + 12) - ALTITUDE_BASE) / 100;
  json.raw(
    `${angle(u32(bytes, at + 4), "N", "S")} ${angle(u32(bytes, at + 8), "E", "W")} ${altitude.toFixed(2)}m ${[1, 2, 3].map((i) => size(bytes[at + i] as number)).join(" ")}`,
  );
}

function sizeOctet(text: string): number | undefined {
  const metres = /^([0-9]+(?:\.[0-9]{1,2})?)m?$/.exec(text);
  if (metres === null) return undefined;
  let base = Math.round(Number(metres[1]) * 100);
  let exponent = 0;
  while (base > 9) {
    base = Math.floor(base / 10);
    exponent++;
  }
  return exponent <= 9 ? (base << 4) | exponent : undefined;
}

/** Degrees, and if given minutes and seconds, up to the hemisphere's letter. */
function angleOf(words: string[], letters: string, most: number): number | undefined {
  const parts: number[] = [];
  for (let n = 0; n < 4; n++) {
    const word = words.shift();
    if (word === undefined) return undefined;
    const sign = letters.indexOf(word.toUpperCase());
    if (sign >= 0 && word.length === 1) {
      const [degrees = 0, minutes = 0, seconds = 0] = parts;
      const total = Math.round(((degrees * 60 + minutes) * 60 + seconds) * 1000);
      if (parts.length === 0 || minutes >= 60 || seconds >= 60 || total > most * 3_600_000)
        return undefined;
      return sign === 0 ? EQUATOR + total : EQUATOR - total;
    }
    if (!/^[0-9]+(\.[0-9]{1,3})?$/.test(word)) return undefined;
    parts.push(Number(word));
  }
  return undefined;
}

/** The octets of LOC's words; undefined when they are no location. RFC 1876 3. */
export function parseLocation(words: readonly string[]): Uint8Array | undefined {
  const rest = [...words];
  const latitude = angleOf(rest, "NS", 90);
  const longitude = angleOf(rest, "EW", 180);
  const altitude = /^(-?[0-9]+(?:\.[0-9]{1,2})?)m?$/.exec(rest.shift() ?? "");
  if (latitude === undefined || longitude === undefined || altitude === null || rest.length > 3)
    return undefined;
  const centimetres = Math.round(Number(altitude[1]) * 100) + ALTITUDE_BASE;
  if (centimetres < 0 || centimetres > 0xffffffff) return undefined;
  const out = new Uint8Array(16);
  for (let i = 0; i < 3; i++) {
    const octet = sizeOctet(rest[i] ?? `${(SIZES[i] as number) / 100}m`);
    if (octet === undefined) return undefined;
    out[i + 1] = octet;
  }
  const data = new DataView(out.buffer);
  data.setUint32(4, latitude);
  data.setUint32(8, longitude);
  data.setUint32(12, centimetres);
  return out;
}

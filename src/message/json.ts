/** Messages as JSON and back: octets as `{text}` where they are plain text, else `{hex}`; big integers as `{bigint}`. */
import { hex, strictUtf8 } from "../codecs/reader.ts";
import { fromHex, utf8Bytes } from "../codecs/writer.ts";
import { CommandError, EXIT } from "../failure.ts";

/** Text that shows as itself. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false;
    if (code === 0x7f) return false;
  }
  return true;
}

/** A message with its octets made JSON. Maps become objects. */
export function toJsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    const text = strictUtf8(value, 0, value.length);
    return text !== undefined && isPlain(text) ? { text } : { hex: hex(value) };
  }
  if (typeof value === "bigint") return { bigint: String(value) };
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (value instanceof Map) return toJsonValue(Object.fromEntries(value));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJsonValue(item)]));
}

/** The reverse. @throws CommandError for wrong hex or numbers */
export function fromJsonValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJsonValue);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && typeof first[1] === "string") {
    const [key, text] = first as [string, string];
    if (key === "text") return utf8Bytes(text);
    if (key === "hex") {
      const bytes = fromHex(text);
      if (bytes === undefined) throw new CommandError(`not hex: ${text.slice(0, 40)}`, EXIT.input);
      return bytes;
    }
    if (key === "bigint") {
      if (!/^-?[0-9]{1,64}$/.test(text))
        throw new CommandError(`not an integer: ${text.slice(0, 40)}`, EXIT.input);
      return BigInt(text);
    }
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, fromJsonValue(item)]));
}

/** Flags of the functions at an edge, and what is told of them at the end. */
import { existsSync } from "node:fs";
import type { FunctionOptions, Signing } from "../../engines/http/cdn/functions.ts";
import type { Rate } from "../../engines/http/cdn/limits.ts";
import { isKeyId } from "../../engines/http/cdn/signed-url.ts";
import { CommandError } from "../../failure.ts";
import { fileBytes } from "../fetch/files.ts";

export interface FunctionFlags {
  readonly limit?: string | undefined;
  readonly "limit-bytes"?: string | undefined;
  readonly signed: readonly string[];
  readonly key: readonly string[];
  readonly esi: boolean;
  readonly watermark: boolean;
  readonly compress: boolean;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
const PER: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
/** RFC 2104 3: a shorter key than this weakens the signature. */
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 4096;

/** @throws CommandError */
export function functionsOf(flags: FunctionFlags): FunctionOptions {
  const { limit, "limit-bytes": limitBytes } = flags;
  return {
    requests: limit === undefined ? undefined : limitOf("limit", limit),
    octets: limitBytes === undefined ? undefined : limitOf("limit-bytes", limitBytes),
    signing: signingOf(flags),
    esi: flags.esi,
    watermark: flags.watermark,
    compress: flags.compress,
  };
}

/** `10/s`, `100/m*20`, `1M/s*4M`: rate, and burst where it is not what comes in one second. @throws CommandError */
function limitOf(flag: string, text: string): Rate {
  const match = /^([0-9]+)([kmg]?)\/([smh])(?:\*([0-9]+)([kmg]?))?$/i.exec(text);
  const amount = (digits: string | undefined, unit: string | undefined) =>
    Number(digits) * (UNITS[(unit ?? "").toLowerCase()] ?? 1);
  const perSecond = amount(match?.[1], match?.[2]) / (PER[match?.[3]?.toLowerCase() ?? ""] ?? 1);
  const burst =
    match?.[4] === undefined ? Math.max(1, Math.ceil(perSecond)) : amount(match[4], match[5]);
  if (match === null || !(perSecond > 0) || !(burst >= 1)) {
    throw new CommandError(`--${flag} ${text}: write it as AMOUNT/s*BURST, e.g. 10/s*20`);
  }
  return { perSecond, burst };
}

function signingOf({ signed, key }: FunctionFlags): Signing | undefined {
  if (signed.length === 0 && key.length === 0) return undefined;
  if (signed.length === 0 || key.length === 0) {
    throw new CommandError("--signed PATH and --key ID=KEY go together");
  }
  for (const prefix of signed) {
    if (!prefix.startsWith("/")) throw new CommandError(`--signed ${prefix}: a path begins with /`);
  }
  const keys = new Map<string, Uint8Array>();
  for (const word of key) {
    const { id, bytes } = keyOfWord(word);
    if (keys.has(id)) throw new CommandError(`--key ${id}: two keys have one id`);
    keys.set(id, bytes);
  }
  return { keys, prefixes: signed };
}

/** `k1=FILE`, `k1=0123...` in hex. @throws CommandError */
export function keyOfWord(word: string): { id: string; bytes: Uint8Array } {
  const at = word.indexOf("=");
  const id = word.slice(0, Math.max(0, at));
  const text = word.slice(at + 1);
  if (at <= 0 || !isKeyId(id) || text === "") {
    throw new CommandError(`--key: write it as ID=FILE or ID=HEX`);
  }
  const hex = /^(?:[0-9a-fA-F]{2})+$/.test(text) && !existsSync(text);
  const raw = hex ? new Uint8Array(Buffer.from(text, "hex")) : fileBytes(text);
  const bytes = hex ? raw : withoutLineEnd(raw);
  if (bytes.length < MIN_KEY_BYTES || bytes.length > MAX_KEY_BYTES) {
    throw new CommandError(
      `--key ${id}: ${bytes.length} octets; a key has ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES}`,
    );
  }
  return { id, bytes };
}

/** What an editor puts at the end of a file is no part of the key. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}

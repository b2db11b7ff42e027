/**
 * URLs that say themselves until when they may be used, and by whom: HMAC-SHA-256 (RFC 2104) over
 * site, path, the rest of the query, expiry, key id and the client's address where it is bound to one.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { normalTarget, targetText } from "./canonical.ts";
import { plainAddress } from "./limits.ts";

export type SigningKeys = ReadonlyMap<string, Uint8Array>;

export type SignatureFault =
  | "not signed"
  | "malformed signature"
  | "unknown key"
  | "bad signature"
  | "expired"
  | "wrong client";

export interface SigningOptions {
  readonly keyId: string;
  readonly key: Uint8Array;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly client?: string | undefined;
}

const EXPIRES = "nk-expires";
const KEY = "nk-key";
const CLIENT = "nk-client";
const SIGNATURE = "nk-signature";
const NAMES: readonly string[] = [EXPIRES, KEY, CLIENT, SIGNATURE];
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** The target with its signature; undefined where the target is none. */
export function sign(site: string, target: string, options: SigningOptions): string | undefined {
  const parted = apart(target);
  if (parted === undefined) return undefined;
  const expires = String(options.expires);
  const client = options.client === undefined ? undefined : plainAddress(options.client);
  const mac = macOf(options.key, site, parted.target, expires, options.keyId, client);
  const given: [string, string | undefined][] = [
    [EXPIRES, expires],
    [KEY, options.keyId],
    [CLIENT, client],
    [SIGNATURE, mac.toString("base64url")],
  ];
  const query = given.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const { path, rest } = parted;
  return targetText(path, [...(rest === undefined ? [] : [rest]), ...query].join("&"));
}

/** The target in normal form and without what signs it; undefined for what is no target. */
export function unsigned(target: string): string | undefined {
  return apart(target)?.target;
}

/** Undefined: it may be used. */
export function signatureFault(
  site: string,
  target: string,
  keys: SigningKeys,
  client: string,
  nowMs: number,
): SignatureFault | undefined {
  const parted = apart(target);
  if (parted === undefined) return "malformed signature";
  const { found } = parted;
  if (found.size === 0) return "not signed";
  const expires = found.get(EXPIRES) ?? "";
  const keyId = found.get(KEY) ?? "";
  const given = Buffer.from(found.get(SIGNATURE) ?? "", "base64url");
  if (parted.twice || !/^[0-9]{1,12}$/.test(expires) || !isKeyId(keyId)) {
    return "malformed signature";
  }
  const key = keys.get(keyId);
  if (key === undefined) return "unknown key";
  const bound = found.get(CLIENT);
  const mac = macOf(key, site, parted.target, expires, keyId, bound);
  if (given.length !== mac.length || !timingSafeEqual(given, mac)) return "bad signature";
  if (nowMs >= Number(expires) * 1000) return "expired";
  return bound === undefined || bound === plainAddress(client) ? undefined : "wrong client";
}

interface Parted {
  readonly path: string;
  readonly rest: string | undefined;
  /** Path and rest. */
  readonly target: string;
  readonly found: ReadonlyMap<string, string>;
  readonly twice: boolean;
}

function apart(target: string): Parted | undefined {
  const normal = normalTarget(target);
  if (normal === undefined) return undefined;
  const found = new Map<string, string>();
  let twice = false;
  const kept = normal.query?.split("&").filter((part) => {
    const [name = ""] = part.split("=", 1);
    if (!NAMES.includes(name)) return true;
    if (found.has(name)) twice = true;
    found.set(name, part.slice(name.length + 1));
    return false;
  });
  const rest =
    kept === undefined || (kept.length === 0 && found.size > 0) ? undefined : kept.join("&");
  const { path } = normal;
  return { path, rest, target: targetText(path, rest), found, twice };
}

/** Nothing of it has a line end: targets and addresses have no control characters. */
function macOf(
  key: Uint8Array,
  site: string,
  target: string,
  expires: string,
  keyId: string,
  client: string | undefined,
): Buffer {
  const text = ["netkit-url-1", site, target, expires, keyId, client ?? ""].join("\n");
  return createHmac("sha256", key).update(text).digest();
}

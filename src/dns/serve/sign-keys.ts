/** `--sign-key` of `netkit dns serve`: which zones are signed with them while they change. */
import type { KeyObject } from "node:crypto";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ZoneKeys } from "../../engines/dns/online-signing.ts";
import { zoneKeys } from "../../engines/dns/online-signing.ts";
import { signingKey } from "../../engines/dns/sign.ts";
import type { Zone } from "../../engines/dns/zone.ts";
import { CommandError, EXIT } from "../../failure.ts";

/** @throws CommandError */
export function readSignKey(path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(path));
  } catch (error) {
    throw new CommandError(`--sign-key ${path}: ${(error as Error).message}`, EXIT.input);
  }
  if (signingKey(key, true) === undefined)
    throw new CommandError(`--sign-key ${path}: neither Ed25519 nor P-256`, EXIT.input);
  return key;
}

/** Undefined for a zone that is not signed. @throws CommandError for one that would become bogus */
export function keysFor(
  zone: Zone,
  file: string,
  candidates: readonly KeyObject[],
): ZoneKeys | undefined {
  if (!zone.signed) return undefined;
  const keys =
    candidates.length === 0 ? "give its keys with --sign-key" : zoneKeys(zone, candidates);
  if (typeof keys !== "string") return keys;
  throw new CommandError(
    `${file}: ${zone.name} is signed: --updates would make it bogus: ${keys}`,
    EXIT.input,
  );
}

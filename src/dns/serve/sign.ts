/** Behind `netkit dns sign`: keys from PEM files, made where there are none. */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { TYPE, typeName } from "../../codecs/dns/constants.ts";
import { formatRdata } from "../../codecs/dns/rdata.ts";
import { parseTime } from "../../codecs/dns/text-forms.ts";
import { writeZone } from "../../codecs/dns/zonefile.ts";
import type { Dnskey } from "../../engines/dns/dnssec/keys.ts";
import { dsOf } from "../../engines/dns/dnssec/keys.ts";
import type { SigningKey } from "../../engines/dns/sign.ts";
import { signingKey, signZone } from "../../engines/dns/sign.ts";
import { Zone } from "../../engines/dns/zone.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { loadZone, zoneSource } from "./load.ts";

export interface SignFlags {
  readonly key: string;
  readonly zsk?: string | undefined;
  readonly algorithm: string;
  readonly nsec3: boolean;
  readonly salt?: string | undefined;
  readonly iterations?: number | undefined;
  readonly "opt-out": boolean;
  readonly inception?: string | undefined;
  readonly expiration?: string | undefined;
}

export interface Signed {
  readonly text: string;
  readonly zone: string;
  readonly serial: number;
  readonly records: number;
  /** For the parent zone. */
  readonly ds: readonly string[];
}

const HOUR = 3600;
const THIRTY_DAYS = 30 * 86_400;

function timeOf(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  // RFC 4034 3.2 knows seconds since 1970 too: a year alone would be one of these.
  const seconds = /^[0-9]{14}$/.test(text) ? parseTime(text) : undefined;
  if (seconds === undefined) throw new CommandError(`--${flag} ${text} is no YYYYMMDDHHmmSS`);
  return seconds;
}

function keyOf(
  path: string,
  algorithm: string,
  entry: boolean,
  say: (line: string) => void,
): SigningKey {
  try {
    if (!existsSync(path)) {
      const { privateKey } =
        algorithm === "p256"
          ? generateKeyPairSync("ec", { namedCurve: "P-256" })
          : generateKeyPairSync("ed25519");
      const pem = privateKey.export({ type: "pkcs8", format: "pem" });
      writeFileSync(path, pem, { mode: 0o600, flag: "wx" });
      say(`made the key ${path} (${algorithm}), since there was none`);
    }
    const key = signingKey(createPrivateKey(readFileSync(path)), entry);
    if (key !== undefined) return key;
  } catch (error) {
    throw new CommandError(`key ${path}: ${(error as Error).message}`, EXIT.input);
  }
  throw new CommandError(`key ${path}: neither Ed25519 nor P-256`, EXIT.input);
}

/** @throws CommandError */
export function signFile(file: string, flags: SignFlags, say: (line: string) => void): Signed {
  const { zone } = loadZone(zoneSource(file));
  const now = Math.floor(Date.now() / 1000);
  const inception = timeOf("inception", flags.inception, now - HOUR);
  const expiration = timeOf("expiration", flags.expiration, inception + THIRTY_DAYS);
  if (expiration <= inception) throw new CommandError("--expiration is not after --inception");
  if (expiration <= now) say("warning: the signatures are expired already: nobody validates them");
  const { salt = "", iterations = 0, "opt-out": optOut } = flags;
  if (!/^([0-9a-f]{2})*$/i.test(salt)) throw new CommandError("--salt is not hex");
  const ksk = keyOf(flags.key, flags.algorithm, true, say);
  const zsk = flags.zsk === undefined ? undefined : keyOf(flags.zsk, flags.algorithm, false, say);
  const records = signZone(zone, {
    ksk,
    zsk,
    inception,
    expiration,
    nsec3: flags.nsec3 ? { salt: salt.toLowerCase(), iterations, optOut } : undefined,
  });
  const ds = dsOf(zone.name, ksk.dnskey as unknown as Dnskey, 2);
  const line =
    ds === undefined ? [] : [`${zone.name} ${typeName(TYPE.DS)} ${formatRdata(TYPE.DS, ds)}`];
  const { serial } = new Zone(zone.name, records);
  return { text: writeZone(records), zone: zone.name, serial, records: records.length, ds: line };
}

/** Behind `http cdn sign`. */
import { isIP } from "node:net";
import { sign } from "../../engines/http/cdn/signed-url.ts";
import { CommandError } from "../../failure.ts";
import { spanSeconds } from "../durations.ts";
import { keyOfWord } from "./functions.ts";

export interface SignFlags {
  readonly key: string;
  readonly expires: string;
  readonly client?: string | undefined;
  readonly site?: string | undefined;
}

/** @throws CommandError */
export function signUrl(text: string, flags: SignFlags, nowMs: number): string {
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "") {
    throw new CommandError(`${text}: not an http or https URL`);
  }
  const site = flags.site?.toLowerCase();
  const below = site === undefined ? "" : `/${site}`;
  if (site !== undefined && !url.pathname.toLowerCase().startsWith(`${below}/`)) {
    throw new CommandError(`${text}: with --site the URL is the CDN's, and its path /${site}/...`);
  }
  if (flags.client !== undefined && isIP(flags.client) === 0) {
    throw new CommandError(`--client ${flags.client}: not an address`);
  }
  const { id: keyId, bytes: key } = keyOfWord(flags.key);
  const expires = Math.floor(nowMs / 1000) + spanSeconds("expires", flags.expires);
  const target = `${url.pathname.slice(below.length)}${url.search}`;
  const signed = sign(site ?? url.hostname, target, { keyId, key, expires, client: flags.client });
  if (signed === undefined) throw new CommandError(`${text}: its path cannot be read`);
  return `${url.origin}${url.pathname.slice(0, below.length)}${signed}`;
}

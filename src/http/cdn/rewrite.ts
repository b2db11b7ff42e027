/** Behind `http cdn rewrite`. */
import { rewritePage } from "../../engines/http/cdn/rewrite.ts";
import { CommandError } from "../../failure.ts";
import { fileBytes } from "../fetch/files.ts";

/** @throws CommandError */
export function rewriteFile(
  file: string,
  flags: { readonly base: string; readonly cdn: string; readonly site: readonly string[] },
): Uint8Array {
  for (const [flag, text] of [
    ["base", flags.base],
    ["cdn", flags.cdn],
  ] as const) {
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
      throw new CommandError(`--${flag} ${text}: not an http or https URL`);
    }
  }
  const sites = new Set([
    new URL(flags.base).hostname,
    ...flags.site.map((name) => name.toLowerCase()),
  ]);
  // One code unit an octet: what is not changed stays as it was in any charset.
  const page = Buffer.from(fileBytes(file)).toString("latin1");
  const { origin } = new URL(flags.cdn);
  return Buffer.from(rewritePage(page, { base: flags.base, sites, cdn: origin }), "latin1");
}

/** `--cookie` and `--cookie-jar`: where the cookies of a run come from, and where they are kept. */
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { CookieJar } from "../../engines/http/cookies/jar.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { formatCookies, parseCookies } from "./cookie-file.ts";
import { fileBytes } from "./files.ts";
import type { FetchFlags } from "./flags.ts";
import { targetOf } from "./target.ts";

/** Undefined when no flag asks for cookies. @throws CommandError */
export async function jarOf(flags: FetchFlags, now: () => number): Promise<CookieJar | undefined> {
  const files = (flags.cookie ?? []).filter((text) => !text.includes("="));
  const kept = flags["cookie-jar"];
  if (kept !== undefined && existsSync(kept) && !targetOf(kept).special) files.push(kept);
  if (files.length === 0 && kept === undefined) return undefined;
  const jar = new CookieJar({ now, suffixes: (await import("./public-suffixes.ts")).SUFFIXES });
  for (const path of files) {
    if (path === "") continue; // Only turns cookies on, as with curl.
    const text = Buffer.from(fileBytes(path)).toString("latin1");
    const { cookies, faults } = parseCookies(text);
    for (const fault of faults) process.stderr.write(`netkit: ${path}: ${fault}\n`);
    for (const cookie of cookies) {
      if (flags["junk-session-cookies"] && cookie.expiresMs === undefined) continue;
      jar.add(cookie);
    }
  }
  return jar;
}

/** `--cookie 'a=b; c=d'`: sent as written, to the servers of the named URLs. */
export function givenCookies(flags: FetchFlags): string | undefined {
  const pairs = (flags.cookie ?? []).filter((text) => text.includes("="));
  for (const text of pairs) {
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) {
      throw new CommandError("--cookie: write it as 'name=value; name=value', on one line");
    }
  }
  return pairs.length === 0 ? undefined : pairs.join("; ");
}

/** In one step, where it is a file: a run that is killed leaves the old one. */
export function keepCookies(jar: CookieJar, path: string): void {
  const text = formatCookies(jar.all());
  if (path === "-") {
    process.stdout.write(text, "latin1");
    return;
  }
  const target = targetOf(path);
  const fresh = target.special ? target.path : `${target.path}.new`;
  try {
    writeFileSync(fresh, text, { encoding: "latin1", mode: 0o600 });
    if (!target.special) renameSync(fresh, target.path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be written (${code})`, EXIT.input);
  }
}

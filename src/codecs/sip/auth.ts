/** Challenges and credentials: WWW-Authenticate, Authorization and the Proxy pair. RFC 3261 20.7, 22; RFC 8760. */

import type { Param } from "./scanner.ts";
import { Scanner } from "./scanner.ts";

export interface Auth {
  /** `Digest`, as sent. */
  readonly scheme: string;
  readonly params: readonly Param[];
}

/** One challenge or one set of credentials: these fields are never comma lists (RFC 3261 7.3.1). @throws DecodeError */
export function parseAuth(text: string): Auth {
  const scanner = new Scanner(text, "sip.auth.syntax");
  scanner.blanks();
  const scheme = scanner.token("the scheme");
  scanner.blanks();
  const params: Param[] = [];
  if (scanner.ended) return { scheme, params };
  do {
    const name = scanner.token("a parameter's name");
    if (!scanner.separator("=")) scanner.fail("no = after a parameter's name");
    params.push({ name, value: scanner.is('"') ? scanner.quoted() : scanner.token("a value") });
  } while (scanner.separator(","));
  scanner.end();
  return { scheme, params };
}

export function formatAuth(auth: Auth): string {
  return `${auth.scheme} ${auth.params.map((p) => `${p.name}=${p.value ?? '""'}`).join(", ")}`;
}

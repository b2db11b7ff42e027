/** Public suffixes by their list. A module of its own: the list is loaded where a jar is. */
import { getDomain, getPublicSuffix } from "tldts";
import type { JarOptions } from "../../engines/http/cookies/jar.ts";

const OPTIONS = { allowPrivateDomains: true };

export const SUFFIXES: JarOptions["suffixes"] = {
  isPublic: (host) => getPublicSuffix(host, OPTIONS) === host,
  site: (host) => getDomain(host, OPTIONS) ?? host,
};

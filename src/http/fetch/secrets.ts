/** Which server is told which name and password: `--user`, `--bearer`, the URL's own, `.netrc`. */
import { homedir } from "node:os";
import { join } from "node:path";
import { percentDecode } from "../../codecs/http/uri.ts";
import type { Random } from "../../engines/host.ts";
import type { Secret } from "../../engines/http/auth/credentials.ts";
import { Credentials } from "../../engines/http/auth/credentials.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import { originKey } from "../../engines/http/fetch/origin.ts";
import { CommandError } from "../../failure.ts";
import { fileBytes } from "./files.ts";
import type { FetchFlags } from "./flags.ts";
import { netrcFor, parseNetrc } from "./netrc.ts";
import type { Wanted } from "./set.ts";

/** RFC 6750 2.1 */
const B64_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Undefined when nobody has a secret. @throws CommandError */
export function credentialsOf(
  flags: FetchFlags,
  wanted: readonly Wanted[],
  random: Random,
): Credentials | undefined {
  const given = givenSecret(flags);
  const origins = new Set(wanted.map(({ request }) => originKey(request.origin)));
  const ofUrls = new Map<string, Secret>();
  for (const { request, userinfo } of wanted) {
    if (userinfo !== undefined) ofUrls.set(originKey(request.origin), secretOf(userinfo));
  }
  const netrc = netrcOf(flags);
  if (given === undefined && ofUrls.size === 0 && netrc === undefined) return undefined;
  const trusted = flags["location-trusted"];
  const secretFor = (origin: Origin): Secret | undefined => {
    const key = originKey(origin);
    const own = ofUrls.get(key) ?? (trusted || origins.has(key) ? given : undefined);
    if (own !== undefined || netrc === undefined) return own;
    const entry = netrcFor(netrc, origin.host.replace(/^\[(.*)\]$/, "$1"));
    if (entry === undefined) return undefined;
    return { kind: "password", user: entry.login, password: entry.password };
  };
  return new Credentials({ secretFor, digestOnly: flags.digest }, random);
}

function givenSecret(flags: FetchFlags): Secret | undefined {
  if (flags.bearer !== undefined) {
    if (!B64_TOKEN.test(flags.bearer)) {
      throw new CommandError(
        "--bearer: a token has letters, digits and -._~+/ only (RFC 6750 2.1)",
      );
    }
    return { kind: "bearer", token: flags.bearer };
  }
  if (flags.user === undefined) return undefined;
  const colon = flags.user.indexOf(":");
  if (colon < 0) throw new CommandError("--user: write it as NAME:PASSWORD");
  const user = flags.user.slice(0, colon);
  return checked("--user", user, flags.user.slice(colon + 1));
}

/** RFC 7617 2: no control characters. */
function checked(where: string, user: string, password: string): Secret {
  if (/[\0-\x1f\x7f]/.test(user + password)) {
    throw new CommandError(`${where}: names and passwords have no control characters`);
  }
  return { kind: "password", user, password };
}

function secretOf(userinfo: string): Secret {
  const colon = userinfo.indexOf(":");
  const user = colon < 0 ? userinfo : userinfo.slice(0, colon);
  const password = colon < 0 ? "" : userinfo.slice(colon + 1);
  return checked("the URL", percentDecode(user) ?? user, percentDecode(password) ?? password);
}

function netrcOf(flags: FetchFlags): ReturnType<typeof parseNetrc> | undefined {
  const file = flags["netrc-file"];
  if (file === undefined && !flags.netrc) return undefined;
  const path = file ?? process.env["NETRC"] ?? join(homedir(), ".netrc");
  return parseNetrc(Buffer.from(fileBytes(path)).toString("utf8"));
}

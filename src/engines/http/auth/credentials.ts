/**
 * Answers to the challenges of servers: Basic and Bearer go out unasked, Digest once a server asked
 * for it. RFC 7617, 6750, 7616; what a server may see is decided by origin (RFC 9110 11.5).
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Random } from "../../host.ts";
import type { Origin } from "../fetch/origin.ts";
import { originKey } from "../fetch/origin.ts";
import { challenges } from "./challenge.ts";
import { DigestSession } from "./digest.ts";

export type Secret =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string };

export interface CredentialOptions {
  /** What to say to a server, or undefined. */
  secretFor(origin: Origin): Secret | undefined;
  /** Never a password in plain: nothing is said before a server asked for Digest. */
  readonly digestOnly?: boolean | undefined;
}

export class Credentials {
  private readonly options: CredentialOptions;
  private readonly random: Random;
  private readonly sessions = new Map<string, DigestSession>();

  constructor(options: CredentialOptions, random: Random) {
    this.options = options;
    this.random = random;
  }

  /** The value of Authorization that a request goes out with. */
  authorization(origin: Origin, method: string, target: string): string | undefined {
    const secret = this.options.secretFor(origin);
    if (secret === undefined) return undefined;
    if (secret.kind === "bearer") return `Bearer ${secret.token}`;
    const { user, password } = secret;
    const session = this.sessions.get(originKey(origin));
    if (session !== undefined) {
      return session.authorize(user, password, method, target, this.cnonce());
    }
    return this.options.digestOnly === true ? undefined : basic(user, password);
  }

  private cnonce(): string {
    const bytes = new Uint8Array(CNONCE_BYTES);
    this.random.bytes(bytes);
    return Buffer.from(bytes).toString("hex");
  }

  /** Whether a request with a body should first go out without it: its answer is a challenge. */
  awaitsChallenge(origin: Origin): boolean {
    return (
      this.options.digestOnly === true &&
      this.options.secretFor(origin)?.kind === "password" &&
      !this.sessions.has(originKey(origin))
    );
  }

  /**
   * A 401: whether another try can do better. `sent`: the value of Authorization that was refused.
   * RFC 7616 3.3: a stale nonce asks for a new one, all else refuses the password.
   */
  refused(origin: Origin, fields: readonly Field[], sent: string | undefined): boolean {
    if (this.options.secretFor(origin)?.kind !== "password") return false;
    const asked = challenges(fields, "www-authenticate");
    const session = DigestSession.from(asked);
    if (session === undefined) return false;
    const key = originKey(origin);
    const stale = asked.some(
      ({ scheme, params }) => scheme === "digest" && params.get("stale")?.toLowerCase() === "true",
    );
    if (sent?.startsWith("Digest ") === true && !stale) return false;
    // The very nonce that was called stale again: it would go on forever.
    if (stale && this.sessions.get(key)?.nonce === session.nonce) return false;
    this.sessions.set(key, session);
    return true;
  }
}

const CNONCE_BYTES = 16;

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}

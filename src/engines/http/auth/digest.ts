/** Digest access authentication of a client. RFC 7616; without qop as RFC 2069 had it. */
import { createHash } from "node:crypto";
import type { Challenge } from "./challenge.ts";

const HASHES: Readonly<Record<string, string>> = {
  "sha-512-256": "sha512-256",
  "sha-256": "sha256",
  md5: "md5",
};

/** What a server asked for, and how often its nonce was used. */
export class DigestSession {
  readonly nonce: string;
  private readonly realm: string;
  private readonly opaque: string | undefined;
  /** As the server wrote it; undefined where it named none. */
  private readonly algorithm: string | undefined;
  private readonly hash: string;
  private readonly sess: boolean;
  private readonly qop: boolean;
  private readonly userhash: boolean;
  private readonly utf8: boolean;
  private count = 0;
  /** The -sess variants keep the first one. */
  private cnonce: string | undefined = undefined;

  private constructor(challenge: Challenge, hash: string, qop: boolean) {
    const { params } = challenge;
    this.nonce = params.get("nonce") as string;
    this.realm = params.get("realm") as string;
    this.opaque = params.get("opaque");
    this.algorithm = params.get("algorithm");
    this.hash = hash;
    this.sess = this.algorithm?.toLowerCase().endsWith("-sess") === true;
    this.qop = qop;
    this.userhash = params.get("userhash")?.toLowerCase() === "true";
    this.utf8 = params.get("charset")?.toLowerCase() === "utf-8";
  }

  /** The strongest of the challenges that can be answered. RFC 7616 3.7 */
  static from(challenges: readonly Challenge[]): DigestSession | undefined {
    for (const name of Object.keys(HASHES)) {
      for (const challenge of challenges) {
        const { scheme, params } = challenge;
        if (scheme !== "digest" || !params.has("nonce") || !params.has("realm")) continue;
        const algorithm = (params.get("algorithm") ?? "MD5").toLowerCase().replace(/-sess$/, "");
        if (algorithm !== name) continue;
        const qops = params
          .get("qop")
          ?.toLowerCase()
          .split(/[\s,]+/);
        // Integrity of the body (auth-int) alone is not offered: it would need the whole body first.
        if (qops !== undefined && !qops.includes("auth")) continue;
        return new DigestSession(challenge, HASHES[name] as string, qops !== undefined);
      }
    }
    return undefined;
  }

  /** The value of Authorization for one request; each counts the nonce up. `fresh`: a client nonce. RFC 7616 3.4 */
  authorize(user: string, password: string, method: string, uri: string, fresh: string): string {
    const nc = (++this.count).toString(16).padStart(8, "0");
    if (this.sess) this.cnonce ??= fresh;
    const cnonce = this.cnonce ?? fresh;
    const encoding = this.utf8 ? "utf8" : "latin1";
    const h = (text: string) =>
      createHash(this.hash).update(Buffer.from(text, encoding)).digest("hex");
    let a1 = h(`${user}:${this.realm}:${password}`);
    if (this.sess) a1 = h(`${a1}:${this.nonce}:${cnonce}`);
    const a2 = h(`${method}:${uri}`);
    const response = this.qop
      ? h(`${a1}:${this.nonce}:${nc}:${cnonce}:auth:${a2}`)
      : h(`${a1}:${this.nonce}:${a2}`);
    const parts = [
      this.username(user, h),
      `realm=${quoted(this.realm)}`,
      `nonce=${quoted(this.nonce)}`,
      `uri=${quoted(uri)}`,
      `response="${response}"`,
    ];
    if (this.algorithm !== undefined) parts.push(`algorithm=${this.algorithm}`);
    if (this.opaque !== undefined) parts.push(`opaque=${quoted(this.opaque)}`);
    if (this.qop || this.sess) parts.push(`cnonce="${cnonce}"`);
    if (this.qop) parts.push("qop=auth", `nc=${nc}`);
    if (this.userhash) parts.push("userhash=true");
    return `Digest ${parts.join(", ")}`;
  }

  /** RFC 7616 3.4.4: a name that does not fit a quoted string is sent extended (RFC 8187). */
  private username(user: string, h: (text: string) => string): string {
    if (this.userhash) return `username="${h(`${user}:${this.realm}`)}"`;
    if (/^[\x20-\x7e]*$/.test(user)) return `username=${quoted(user)}`;
    return `username*=UTF-8''${encodeURIComponent(user).replace(/['()*]/g, percent)}`;
  }
}

function percent(c: string): string {
  return `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

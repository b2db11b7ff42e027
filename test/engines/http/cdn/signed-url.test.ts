import { describe, expect, it } from "vitest";
import { isBelow, normalTarget } from "../../../../src/engines/http/cdn/canonical.ts";
import { sign, signatureFault, unsigned } from "../../../../src/engines/http/cdn/signed-url.ts";

const KEY = new Uint8Array(16).fill(7);
const KEYS = new Map([
  ["k1", KEY],
  ["k2", new Uint8Array(16).fill(9)],
]);
const SITE = "www.foo.com";
const NOW = 1_700_000_000;
const faultOf = (target: string, client = "192.0.2.1", at = NOW, site = SITE) =>
  signatureFault(site, target, KEYS, client, at * 1000);
const signed = (target: string, client?: string) =>
  sign(SITE, target, { keyId: "k1", key: KEY, expires: NOW + 60, client }) as string;

describe("signed URLs", () => {
  it("the HMAC is over site, target, expiry, key id and client, a line each", () => {
    // printf 'netkit-url-1\nwww.foo.com\n/private/a?x=1\n1700000060\nk1\n' | openssl dgst -sha256
    //   -mac HMAC -macopt hexkey:07070707070707070707070707070707 -binary | basenc --base64url
    expect(signed("/private/a?x=1")).toBe(
      "/private/a?x=1&nk-expires=1700000060&nk-key=k1&nk-signature=nOBR2NOn6sphlxClXZ3E4KElZkZewbhpov_oW40LhNw",
    );
  });

  it("holds for its target, until it expires, and for its client alone", () => {
    const url = signed("/private/a?x=1");
    expect(faultOf(url)).toBeUndefined();
    expect(faultOf(url, "192.0.2.1", NOW + 59)).toBeUndefined();
    expect(faultOf(url, "192.0.2.1", NOW + 60)).toBe("expired");
    const bound = signed("/private/a", "2001:db8:0::1");
    expect(faultOf(bound, "2001:db8::1")).toBeUndefined();
    expect(faultOf(bound, "2001:db8::2")).toBe("wrong client");
    expect(faultOf(signed("/private/a", "192.0.2.1"), "::ffff:192.0.2.1")).toBeUndefined();
    expect(faultOf(url, "192.0.2.1", NOW, "www.bar.com")).toBe("bad signature");
  });

  it.each([
    ["nothing", (u: string) => unsigned(u) as string, "not signed"],
    ["another path", (u: string) => u.replace("/a?", "/b?"), "bad signature"],
    ["another query", (u: string) => u.replace("x=1", "x=2"), "bad signature"],
    ["one more parameter", (u: string) => `${u}&y=1`, "bad signature"],
    ["a later expiry", (u: string) => u.replace("0060", "9060"), "bad signature"],
    ["another key", (u: string) => u.replace("=k1", "=k2"), "bad signature"],
    ["a key that is none", (u: string) => u.replace("=k1", "=k3"), "unknown key"],
    ["a client added", (u: string) => `${u}&nk-client=192.0.2.1`, "bad signature"],
    ["a parameter twice", (u: string) => `${u}&nk-expires=1900000000`, "malformed signature"],
    ["no signature", (u: string) => u.replace(/&nk-signature=.*/, ""), "bad signature"],
    ["half a signature", (u: string) => u.slice(0, -20), "bad signature"],
    ["no expiry", (u: string) => u.replace(/nk-expires=[0-9]+&/, ""), "malformed signature"],
  ])("refused with %s", (_, change, fault) => {
    expect(faultOf(change(signed("/private/a?x=1")))).toBe(fault);
  });

  it("one signature for all ways to write a path in RFC 3986 6.2.2", () => {
    const url = signed("/private/a%2fb/c~d");
    for (const other of [
      "/private/%61%2Fb/c%7ed",
      "/x/../private/./a%2fb/c~d",
      "/%70rivate/a%2fb/c~d",
    ]) {
      expect(faultOf(url.replace("/private/a%2Fb/c~d", other))).toBeUndefined();
    }
    expect(unsigned(url)).toBe("/private/a%2Fb/c~d");
    expect(faultOf(url.replace("%2F", "/"))).toBe("bad signature");
  });
});

describe("paths that are protected", () => {
  it.each([
    "/private/a",
    "/private",
    "/private/",
    "/%70rivate/a",
    "/%70%52ivate/a",
    "/PRIVATE/a",
    "//private/a",
    "/./private/a",
    "/x/../private/a",
    "/x/%2e%2e/private/a",
    "/x/%2E./private/a",
    "/x/..%2fprivate/a",
    "/%2fprivate/a",
    "/private%2fa",
    "/%2570rivate/a",
    "/x/%252e%252e/private/a",
    "/\\private/a",
    "/x\\..\\private/a",
    "/private;v=1/a",
    "/x//../private/a",
    "/x//../../private/a",
    "/private%00/a",
  ])("%s", (path) => {
    expect(isBelow(path, "/private/")).toBe(true);
  });

  it.each(["/", "/privates/a", "/x/private/a", "/public/a", "/privat", "/public/..%2fpub"])(
    "not %s",
    (path) => {
      expect(isBelow(path, "/private/")).toBe(false);
    },
  );

  it("a prefix of all is all", () => {
    expect(isBelow("/a", "/")).toBe(true);
  });

  it("a path that cannot be decoded has no normal form", () => {
    expect(normalTarget("/a%zz")).toBeUndefined();
    expect(normalTarget("*")).toBeUndefined();
  });
});

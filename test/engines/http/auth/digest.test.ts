import { describe, expect, it } from "vitest";
import { challenges } from "../../../../src/engines/http/auth/challenge.ts";
import { DigestSession } from "../../../../src/engines/http/auth/digest.ts";

const www = (...values: string[]) =>
  challenges(
    values.map((value) => ({ name: "WWW-Authenticate", value })),
    "www-authenticate",
  );
const shape = (values: ReturnType<typeof www>) =>
  values.map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

describe("challenges", () => {
  it("RFC 9110 11.6.1: several in one field, with quoted commas, and in several fields", () => {
    expect(
      shape(
        www(
          'Basic realm="simple, \\"x\\"", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
          "Negotiate abcd==, Bearer",
        ),
      ),
    ).toEqual([
      ["basic", { realm: 'simple, "x"' }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
      ["negotiate", {}],
      ["bearer", {}],
    ]);
  });

  it("RFC 9110 11.2: what cannot be read ends the field, and does not hang", () => {
    expect(shape(www('Basic realm="open'))).toEqual([
      ["basic", {}],
      ["realm", {}],
    ]);
    expect(www("", ",,", "=", '"')).toEqual([]);
  });
});

const EXAMPLE =
  'realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

function param(value: string, name: string): string | undefined {
  return challenges([{ name: "a", value }], "a")[0]?.params.get(name);
}

describe("Digest", () => {
  it.each([
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ])("RFC 7616 3.9.1: the example with %s", (algorithm, response) => {
    const session = DigestSession.from(www(`Digest ${EXAMPLE.replace("SHA-256", algorithm)}`));
    const value = session?.authorize("Mufasa", "Circle of Life", "GET", "/dir/index.html", CNONCE);
    expect(param(value ?? "", "response")).toBe(response);
    expect(value).toContain("qop=auth, nc=00000001");
    expect(param(value ?? "", "opaque")).toBe("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
  });

  it("RFC 7616 3.7: of several challenges the strongest that can be answered", () => {
    const session = DigestSession.from(
      www(
        `Digest ${EXAMPLE.replace("SHA-256", "MD5")}`,
        `Digest ${EXAMPLE}`,
        `Digest ${EXAMPLE.replace("SHA-256", "FUTURE")}`,
      ),
    );
    expect(session?.authorize("u", "p", "GET", "/", "c")).toContain("algorithm=SHA-256");
  });

  it("RFC 7616 3.4: the nonce count goes up with each request, and is part of the response", () => {
    const session = DigestSession.from(www(`Digest ${EXAMPLE}`));
    const two = [1, 2].map(() => session?.authorize("u", "p", "GET", "/", "c") ?? "");
    expect(two.map((value) => param(value, "nc"))).toEqual(["00000001", "00000002"]);
    expect(param(two[0] as string, "response")).not.toBe(param(two[1] as string, "response"));
  });

  it("RFC 2617 3.5: the example, from before SHA-256", () => {
    const session = DigestSession.from(
      www(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      ),
    );
    const value = session?.authorize(
      "Mufasa",
      "Circle Of Life",
      "GET",
      "/dir/index.html",
      "0a4f113b",
    );
    expect(param(value ?? "", "response")).toBe("6629fae49393a05397450978507c4ef1");
    expect(value).not.toContain("algorithm");
  });

  it("RFC 7616 3.4.4: a name above ASCII is sent extended, or hashed where the server can", () => {
    const plain = DigestSession.from(www(`Digest ${EXAMPLE}, charset=UTF-8`));
    expect(plain?.authorize("Jäsøn Doe", "p", "GET", "/", "c")).toContain(
      "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe",
    );
    const hashed = DigestSession.from(
      www(
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
      ),
    );
    expect(hashed?.authorize("Jäsøn Doe", "Secret, or not?", "GET", "/doe.json", "c")).toContain(
      'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"',
    );
  });

  it("a quote in what the server or the user gave does not end the parameter", () => {
    const session = DigestSession.from(www('Digest realm="a\\"b", nonce="n\\\\", qop=auth'));
    const value = session?.authorize('x"y', "p", "GET", "/", "c") ?? "";
    expect([param(value, "realm"), param(value, "nonce"), param(value, "username")]).toEqual([
      'a"b',
      "n\\",
      'x"y',
    ]);
  });
});

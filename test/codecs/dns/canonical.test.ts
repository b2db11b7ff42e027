import { describe, expect, it } from "vitest";
import {
  canonicalName,
  canonicalRdata,
  canonicalRrset,
  compareKeys,
  compareNames,
  compareSerials,
  isSubdomain,
  isWithin,
  keyOfWire,
  keyTag,
  keyText,
  labelCount,
  lastLabels,
  nameKey,
  parentKey,
  parentName,
  sameName,
  signedData,
  wildcardOf,
} from "../../../src/codecs/dns/canonical.ts";
import { TYPE } from "../../../src/codecs/dns/constants.ts";
import type { RdataFields } from "../../../src/codecs/dns/message.ts";
import { rdataBytes } from "../../../src/codecs/dns/rdata.ts";
import { rdataFromText } from "../../../src/codecs/dns/rdata-parse.ts";
import { hex } from "../../../src/codecs/reader.ts";

describe("names as keys", () => {
  it("RFC 4343 3: equal but for ASCII case and escapes, equal keys", () => {
    expect(nameKey("EXAMPLE.com.")).toBe("\u0007example\u0003com\0");
    expect(nameKey("ex\\097mple.com")).toBe(nameKey("eXample.COM."));
    expect(sameName("a\\.b.", "a.b.")).toBe(false);
    expect(sameName("\\195.", "\\227.")).toBe(false);
    expect(keyText(nameKey("A\\.b.C."))).toBe("a\\.b.c.");
    expect(canonicalName("WWW.Example")).toBe("www.example.");
  });

  it("RFC 1035 4.1.4: keys come from compressed names too", () => {
    const bytes = Uint8Array.from([3, 0x43, 0x4f, 0x4d, 0, 1, 0x41, 0xc0, 0]);
    expect(keyOfWire(bytes, 5, 0)).toBe(nameKey("a.com."));
  });

  it.each([
    ["a.b.c.", "b.c.", true],
    ["b.c.", "b.c.", true],
    ["ab.c.", "b.c.", false],
    ["a\\.b.c.", "b.c.", false],
    ["c.", "b.c.", false],
    ["x.", ".", true],
    ["X.B.c.", "b.C.", true],
  ])("%s within %s: %s", (name, ancestor, within) => {
    expect(isSubdomain(name, ancestor)).toBe(within);
    expect(isWithin(nameKey(name), nameKey(ancestor))).toBe(within);
  });

  it("labels and parents", () => {
    const key = nameKey("a.b.c.");
    expect(labelCount(key)).toBe(3);
    expect(keyText(lastLabels(key, 2))).toBe("b.c.");
    expect(keyText(lastLabels(key, 0))).toBe(".");
    expect(keyText(parentKey(key) as string)).toBe("b.c.");
    expect(parentKey(nameKey("."))).toBeUndefined();
    expect(keyText(wildcardOf(nameKey("c.")))).toBe("*.c.");
    expect(["A\\.b.C.", "C.", "."].map(parentName)).toEqual(["C.", ".", undefined]);
  });

  it("RFC 4034 6.1: the order of its example", () => {
    const names = [
      "example.",
      "a.example.",
      "yljkjljk.a.example.",
      "Z.a.example.",
      "zABC.a.EXAMPLE.",
      "z.example.",
      "\\001.z.example.",
      "*.z.example.",
      "\\200.z.example.",
    ];
    expect([...names].reverse().sort(compareNames)).toEqual(names);
    expect(compareKeys(nameKey("a."), nameKey("a."))).toBe(0);
  });
});

describe("records in canonical form", () => {
  it("RFC 4034 6.2: names of old types in lower case, RFC 6840 5.1: that of NSEC as it is", () => {
    const of = (type: number, text: string) => hex(canonicalRdata(type, rdataFromText(type, text)));
    expect(of(TYPE.MX, "5 MAIL.x.")).toBe(of(TYPE.MX, "5 mail.X."));
    expect(of(TYPE.SRV, "1 2 3 T.")).toBe(of(TYPE.SRV, "1 2 3 t."));
    expect(of(TYPE.NSEC, "B. A")).not.toBe(of(TYPE.NSEC, "b. A"));
    expect(of(TYPE.SVCB, "1 B.")).not.toBe(of(TYPE.SVCB, "1 b."));
  });

  it("RFC 4034 6.3: by rdata as octets, each once", () => {
    const a = (text: string) => ({
      name: "A.x.",
      type: TYPE.A,
      class: 1,
      ttl: 7,
      rdata: rdataFromText(TYPE.A, text),
    });
    const one = "01610178000001000100000e100004";
    expect(hex(canonicalRrset([a("10.0.0.1"), a("9.0.0.1"), a("10.0.0.1")], 3600))).toBe(
      `${one}09000001${one}0a000001`,
    );
  });

  it("RFC 4035 5.3.2: an answer of a wildcard is covered under the wildcard's name", () => {
    const rrsig = rdataFromText(
      TYPE.RRSIG,
      "A 15 1 3600 20300101000000 20200101000000 7 x. AAAA",
    ) as RdataFields;
    const record = (name: string) => ({
      name,
      type: TYPE.A,
      class: 1,
      ttl: 5,
      rdata: rdataFromText(TYPE.A, "192.0.2.1"),
    });
    const signed = hex(signedData(rrsig, [record("*.x.")]));
    expect(hex(signedData(rrsig, [record("a.b.x.")]))).toBe(signed);
    expect(signed.endsWith("012a01780000010001 00000e10 0004 c0000201".replaceAll(" ", ""))).toBe(
      true,
    );
  });

  it("RFC 4034 B: the key tag of the example in 5.4", () => {
    const key = rdataFromText(
      TYPE.DNSKEY,
      "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
    );
    expect(keyTag(rdataBytes(TYPE.DNSKEY, key))).toBe(60485);
  });

  it.each([
    [1, 2, -1],
    [2, 1, 1],
    [7, 7, 0],
    [0xffffffff, 0, -1],
    [0, 0xffffffff, 1],
    [100, 100 + 0x7fffffff, -1],
    [100, 100 + 0x80000000, Number.NaN],
  ])("RFC 1982 3.2: serial %d against %d is %d", (a, b, order) => {
    expect(compareSerials(a, b)).toBe(order);
  });
});

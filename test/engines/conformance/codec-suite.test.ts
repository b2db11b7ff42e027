import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decode as decodeBencode } from "../../../src/codecs/bencode/index.ts";
import { decode as decodeDns } from "../../../src/codecs/dns/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import { decode as decodeHttp } from "../../../src/codecs/http/index.ts";
import { decode as decodeSip } from "../../../src/codecs/sip/index.ts";
import { SUITES } from "../../../src/engines/conformance/codec/suite.ts";

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  bencode: (bytes) => decodeBencode(bytes),
  dns: (bytes) => decodeDns(bytes),
  http: (bytes) => decodeHttp(bytes),
  sip: (bytes) => decodeSip(bytes),
};

describe.each(Object.entries(SUITES))("conformance vectors of %s", (protocol, vectors) => {
  it("have ids and bytes of their own", () => {
    expect(new Set(vectors.map((v) => v.id)).size).toBe(vectors.length);
    const digests = vectors.map((v) => createHash("sha1").update(v.bytes).digest("hex"));
    expect(new Set(digests).size).toBe(vectors.length);
  });

  it.each(vectors.map((v) => [v.id, v.spec, v] as const))("%s: %s", (_id, _spec, vector) => {
    const decode = DECODERS[protocol] as (bytes: Uint8Array) => unknown;
    if (vector.expect === "accept") expect(() => decode(vector.bytes)).not.toThrow();
    else expect(() => decode(vector.bytes)).toThrow(DecodeError);
  });
});

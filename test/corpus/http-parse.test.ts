/** llhttp's own cases: what it refuses we refuse when strict, what it reads we read the same. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HttpMessage } from "../../src/codecs/http/index.ts";
import { decode, encode, HttpDecoder } from "../../src/codecs/http/index.ts";
import { CORPUS, hasCorpus } from "./support/corpus.ts";
import type { LlhttpCase } from "./support/llhttp.ts";
import { llhttpCases } from "./support/llhttp.ts";

const FOLDER = join(CORPUS, "http-parse/llhttp");

function read(kind: "request" | "response", bytes: Uint8Array, strict: boolean) {
  const messages: HttpMessage[] = [];
  let code = "ok";
  const decoder = new HttpDecoder(kind, strict ? {} : { tolerate: () => {} });
  const drain = () => {
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) messages.push(next);
  };
  try {
    decoder.push(bytes);
    drain();
    decoder.end();
    drain();
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  return { messages, code };
}

/** Where RFC 9112 and llhttp part, by the name of the case. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "HTTP protocol and ANNOUNCE method": "any token is a method (RFC 9110 9.1)",
  "RTSP response": "another protocol",
  "ICE response": "another protocol",
  "CRLF between requests, explicit `close`": "the line after the body is a request to llhttp",
};

/** llhttp tells a head as soon as it is whole; ours are messages, so a cut one is counted apart. */
const CUT = "http.message.cut";

const cases = hasCorpus
  ? (["request", "response"] as const).flatMap((kind) =>
      readdirSync(join(FOLDER, kind)).flatMap((file) =>
        llhttpCases(readFileSync(join(FOLDER, kind, file), "utf8"))
          .filter(({ type, name }) => type === kind && DIFFERENCES[name] === undefined)
          .map((one): [string, "request" | "response", LlhttpCase] => [
            `${kind}/${file}: ${one.name}`,
            kind,
            one,
          ]),
      ),
    )
  : [];

const paused = (error: string) => /paus|_complete|_begin/i.test(error);
const plain = (text: string) => text.replace(/[\s\\]|(?<=\\)[tfrn]/g, "");

describe.skipIf(!hasCorpus)("llhttp's cases", () => {
  it.each(cases)("%s", (_name, kind, { bytes, error, starts, fields }) => {
    if (error !== undefined && !paused(error)) {
      expect(read(kind, bytes, true).code).not.toBe("ok");
      return;
    }
    const { messages, code } = read(kind, bytes, false);
    expect(["ok", CUT]).toContain(code);
    if (code === CUT || error !== undefined) return;
    expect(
      messages.map((one) => (one.kind === "request" ? one.method : String(one.statusCode))),
    ).toEqual(starts);
    const told = messages.flatMap((one) => [...one.fields, ...one.trailers]);
    expect(told.map(({ name }) => name)).toEqual(fields.map(([name]) => name));
    expect(told.map(({ value }) => value.replace(/\s/g, "")).join("|").length).toBeLessThanOrEqual(
      fields.map(([, value]) => value).join("|").length,
    );
    expect(plain(told.at(-1)?.value ?? "").slice(0, 5)).toBe(
      plain(fields.at(-1)?.[1] ?? "").slice(0, 5),
    );
  });
});

describe.skipIf(!hasCorpus)("raw messages of PowerDNS", () => {
  const folder = join(CORPUS, "http-parse/pdns");
  it.each(hasCorpus ? readdirSync(folder) : [])("%s is read, and encodes to itself", (file) => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const message = decode(bytes, { tolerate: () => {} });
    expect(decode(encode(message), { tolerate: () => {} })).toEqual(message);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../../src/codecs/errors.ts";
import type { HttpMessage } from "../../../src/codecs/http/index.ts";
import { decode, encode, HttpDecoder } from "../../../src/codecs/http/index.ts";
import { concat, latin1Bytes } from "../../../src/codecs/writer.ts";
import { httpMessage } from "../../support/arbitraries/text.ts";
import { itIgnoresChunking, itKeepsCodecProperties } from "../../support/codec-properties.ts";

describe("HTTP/1.x messages", () => {
  itKeepsCodecProperties<HttpMessage>({
    decode,
    encode,
    messages: httpMessage,
    cutsAreRefused: false,
  });

  itIgnoresChunking(
    fc
      .array(
        httpMessage.filter((m) => m.kind === "request"),
        { maxLength: 3 },
      )
      .map((list) => concat(list.map(encode))),
    (chunks) => {
      const decoder = new HttpDecoder("request");
      const out: unknown[] = [];
      try {
        for (const chunk of chunks) {
          decoder.push(chunk);
          for (let item = decoder.next(); item !== undefined; item = decoder.next())
            out.push(encode(item));
        }
        decoder.end();
      } catch (error) {
        out.push((error as DecodeError).code);
      }
      return out;
    },
  );

  it("RFC 9112 6.3: HEAD, 204 and 304 have no body, CONNECT hands the connection over", () => {
    const head = latin1Bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    expect(decode(head, { requestMethod: "HEAD" }).body).toHaveLength(0);
    expect(() => decode(head)).toThrow(DecodeError);
    const decoder = new HttpDecoder("response", { requestMethod: () => "CONNECT" });
    decoder.push(latin1Bytes("HTTP/1.1 200 OK\r\n\r\n\x16\x03"));
    expect(decoder.next()).toMatchObject({ statusCode: 200 });
    expect(decoder.handedOver).toBe(true);
    expect([...decoder.rest]).toEqual([0x16, 3]);
  });

  it("RFC 9112 5.2: a folded field is unfolded when tolerated", () => {
    const issues: string[] = [];
    const message = decode(latin1Bytes("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n  c\r\n\r\n"), {
      tolerate: (issue) => issues.push(issue.code),
    });
    expect(message.fields[1]).toEqual({ name: "X", value: "b c" });
    expect(issues).toEqual(["http.field.obs-fold"]);
  });
});

/** DNS over HTTPS as clients send it that mean no good, or leave. RFC 8484. */
import { readFileSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { connect, constants } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DohServer } from "../../../src/net/live/doh-server.ts";
import { listenDoh } from "../../../src/net/live/doh-server.ts";

const QUERY = Buffer.from("000001000001000000000000017a0000010001", "hex");
const TYPE = "application/dns-message";
let server: DohServer;
let session: ClientHttp2Session;

beforeAll(async () => {
  const cert = readFileSync("fixtures/tls/localhost.pem", "latin1");
  const key = readFileSync("fixtures/tls/localhost.key", "latin1");
  // Answers what it was asked, some time later.
  server = await listenDoh(
    {
      query: (request, _client, reply) => {
        const copy = request.slice();
        setTimeout(() => reply(copy), 20);
      },
    },
    { addr: "127.0.0.1", port: 0, tls: { cert, key } },
  );
  session = connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
});
afterAll(() => {
  session.close();
  server.close();
});

function status(headers: Record<string, string>, body?: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    stream.on("response", (answer) => resolve(answer[":status"]));
    stream.on("error", reject);
    stream.resume();
    if (body !== undefined) stream.end(body);
  });
}
const get = (path: string) => status({ ":path": path });
const post = (body: Uint8Array, type = TYPE) =>
  status({ ":path": "/dns-query", ":method": "POST", "content-type": type }, body);
const asked = () => get(`/dns-query?dns=${QUERY.toString("base64url")}`);

describe("the server of DNS over HTTPS", () => {
  it.each(["//", "/", "/dns-query/", "//[/dns-query"])(
    "RFC 9113 8.3.1: any path has its answer: %s",
    async (path) => {
      expect(await get(path)).toBe(404);
      expect(await asked()).toBe(200);
    },
  );

  it("RFC 8484 4.1: what is no request for DNS is refused", async () => {
    expect(await get("/dns-query")).toBe(400);
    expect(await get("/dns-query?dns=!")).toBe(400);
    expect(await post(QUERY, "text/plain")).toBe(415);
    expect(await post(QUERY.subarray(0, 5))).toBe(400);
    expect(await post(new Uint8Array(65_536))).toBe(413);
    expect(await post(QUERY)).toBe(200);
  });

  it("clients that leave in the middle of a request, or before the answer, harm nobody", async () => {
    for (const part of [QUERY.subarray(0, 3), QUERY]) {
      const headers = { ":path": "/dns-query", ":method": "POST", "content-type": TYPE };
      const stream = session.request(headers);
      stream.on("error", () => {});
      stream.write(part);
      if (part === QUERY) stream.end();
      await new Promise((done) => setTimeout(done, 5));
      stream.close(constants.NGHTTP2_CANCEL);
      await new Promise((done) => stream.once("close", done));
    }
    await new Promise((done) => setTimeout(done, 40));
    expect(await asked()).toBe(200);
  });
});

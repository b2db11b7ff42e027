import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { expect, it } from "vitest";
import { listenDoh } from "../../../src/net/live/doh-server.ts";

it("RFC 8484: a path that is no URL is answered with 404, and the server lives on", async () => {
  const file = (ending: string) => readFileSync(`fixtures/tls/localhost.${ending}`, "utf8");
  const tls = { cert: file("pem"), key: file("key") };
  const service = { handle: () => {} };
  const server = await listenDoh(service as never, { addr: "127.0.0.1", port: 0, tls });
  const session = connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
  const status = (path: string) =>
    new Promise<unknown>((resolve, reject) => {
      const stream = session.request({ ":path": path });
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("error", reject);
      stream.end();
    });
  try {
    expect([await status("//"), await status("/dns-query?dns=*")]).toEqual([404, 400]);
  } finally {
    session.destroy();
    server.close();
  }
});

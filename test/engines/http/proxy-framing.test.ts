import { describe, expect, it } from "vitest";
import { SECOND } from "../../../src/engines/host.ts";
import { cacheWorld, ORIGIN, PROXY, reply } from "./cache/world.ts";
import { bytesOf, textOf } from "./world.ts";

const HOST = `Host: ${ORIGIN}\r\n`;
const CHUNK = "0\r\n\r\n";

/** What came back, and how many requests the origin saw. */
function probe(text: string): { status: string; seen: number } {
  const { world, asked } = cacheWorld((exchange) => {
    exchange.readAll(1000, () => reply(exchange, {}, "ok"));
  });
  let back = "";
  world.get("client").connect(
    {
      onOpen: (connection) => void connection.write(bytesOf(text)),
      onData: (data) => {
        back += textOf(data);
      },
      onEnd: (connection) => connection.end(),
      onClose: () => {},
    },
    { remote: { addr: PROXY, port: 80 } },
  );
  world.run(5 * SECOND);
  return { status: back.slice(9, 12), seen: asked.length };
}

describe("what two readers could read differently does not reach the origin", () => {
  it.each([
    [
      "RFC 9112 6.3: both lengths",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
      "400",
    ],
    ["RFC 9112 3.2.4: an asterisk for another method", `GET * HTTP/1.1\r\n${HOST}\r\n`, "400"],
    [
      "RFC 9112 6.3: lengths that differ",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
      "400",
    ],
    [
      "RFC 9112 6.3: a list of lengths",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3, 3\r\n\r\nabc`,
      "400",
    ],
    [
      "RFC 9112 6.3: a signed length",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`,
      "400",
    ],
    [
      "RFC 9112 6.1: an unknown coding",
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n${CHUNK}`,
      "501",
    ],
    [
      "RFC 9112 6.1: chunked twice",
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n${CHUNK}`,
      "400",
    ],
    [
      "RFC 9112 6.1: a coding in HTTP/1.0",
      `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${CHUNK}`,
      "400",
    ],
    ["RFC 9112 5.1: a blank before the colon", `GET / HTTP/1.1\r\n${HOST}X : 1\r\n\r\n`, "400"],
    ["RFC 9112 5.2: a folded field", `GET / HTTP/1.1\r\n${HOST}X: 1\r\n 2\r\n\r\n`, "400"],
    ["RFC 9112 2.2: a bare LF", `GET / HTTP/1.1\n${HOST}\r\n`, "400"],
    ["RFC 9110 5.5: NUL in a value", `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, "400"],
    ["RFC 9112 3.2: no Host", "GET / HTTP/1.1\r\n\r\n", "400"],
    ["RFC 9112 3.2: two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, "400"],
    ["RFC 9112 2.3: another version", `GET / HTTP/2.0\r\n${HOST}\r\n`, "505"],
  ])("%s", (_rule, text, status) => {
    expect(probe(text)).toEqual({ status, seen: 0 });
  });

  it.each([
    ["RFC 9112 7.1: a chunk size in another notation", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["RFC 9112 7.1: a blank after the chunk size", "3 \r\nabc\r\n0\r\n\r\n"],
    ["RFC 9112 7.1: a chunk that is longer than it says", "3\r\nabcd\r\n0\r\n\r\n"],
  ])("%s: what follows is no request", (_rule, body) => {
    const smuggled = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
    const head = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
    const { status, seen } = probe(`${head}${body}${smuggled}`);
    expect(["400", "502"]).toContain(status);
    expect(seen).toBeLessThanOrEqual(1);
  });

  it("RFC 9112 7.1.3: a chunked body is framed anew, and what the trailers say does not count", () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
    expect(probe(`${head}3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n`)).toEqual({
      status: "200",
      seen: 1,
    });
  });
});

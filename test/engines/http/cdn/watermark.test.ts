import { describe, expect, it } from "vitest";
import { Marker } from "../../../../src/engines/http/cdn/watermark.ts";
import { edgeWorld, reply } from "./edge-world.ts";

const MARK = '<div class="watermark">10.0.0.1</div>';
const PAGE = "<html><body><p>\xe9</p></body></html>";

function world(body = PAGE, fields: Record<string, string> = {}) {
  return edgeWorld({
    functions: { watermark: true },
    origin: (exchange) =>
      reply(
        exchange,
        { "Content-Type": "text/html", "Cache-Control": "max-age=60", ETag: '"v"', ...fields },
        Buffer.from(body, "latin1"),
      ),
  });
}

describe("the client's address in pages", () => {
  it("is each client's own, though the page is stored once", () => {
    const { get, asked, edge } = world();
    const one = get("www.foo.com", "/");
    const other = get("www.foo.com", "/", {}, { from: "10.0.0.2" });
    expect(one.body).toBe(`<html><body><p>\xe9</p>${MARK}</body></html>`);
    expect(other.body).toContain(">10.0.0.2<");
    expect(other.body).not.toContain("10.0.0.1");
    expect(asked).toHaveLength(1);
    expect(edge.stats().functions.marked).toBe(2);
    // Nobody behind the edge keeps it for another, or takes an old one for it.
    expect(one.field("cache-control")).toBe("private, no-cache");
    expect([one.field("etag"), one.field("content-length")]).toEqual([undefined, undefined]);
  });

  it("parts of the page without it are not given", () => {
    const { get } = world();
    get("www.foo.com", "/");
    const got = get("www.foo.com", "/", { Range: "bytes=0-20" });
    expect([got.statusCode, got.body.includes(MARK)]).toEqual([200, true]);
  });

  it("stands in no comment and no script, and at the end of what has no body", () => {
    const tricky = "<script>'</body>'</script><!-- </body> --><p>x";
    expect(world(tricky).get("www.foo.com", "/").body).toBe(tricky + MARK);
  });

  it("other things are left alone", () => {
    const { get } = world(PAGE, { "Content-Type": "text/plain" });
    const got = get("www.foo.com", "/");
    expect([got.body, got.field("etag")]).toEqual([PAGE, '"v"']);
  });

  it("wherever the page is cut into pieces", () => {
    const expected = PAGE.replace("</body>", `${MARK}</body>`);
    for (let at = 0; at <= PAGE.length; at++) {
      let out = "";
      const to = {
        start: () => {},
        write: (bytes: Uint8Array) => {
          out += Buffer.from(bytes).toString("latin1");
          return true;
        },
        end: () => {},
        abort: () => {},
      };
      const exchange = { connection: { remote: { addr: "10.0.0.1", port: 1 } } };
      const marker = new Marker(to, exchange as never, () => {});
      marker.start({ statusCode: 200, fields: [{ name: "Content-Type", value: "text/html" }] });
      for (const piece of [PAGE.slice(0, at), PAGE.slice(at)])
        if (piece !== "") marker.write(new Uint8Array(Buffer.from(piece, "latin1")));
      marker.end();
      expect(out).toBe(expected);
    }
  });
});

import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compose } from "../../../../src/engines/http/cdn/esi/compose.ts";
import { holds } from "../../../../src/engines/http/cdn/esi/expression.ts";
import { EsiError, parseEsi } from "../../../../src/engines/http/cdn/esi/template.ts";
import { Variables } from "../../../../src/engines/http/cdn/esi/variables.ts";
import { edgeWorld, reply } from "./edge-world.ts";

const FIELDS = [
  { name: "Cookie", value: 'id=7; who="<b>"' },
  { name: "Accept-Language", value: "de, en;q=0.5, fr;q=0" },
  { name: "User-Agent", value: "Mozilla/5.0 (X11; Linux)" },
];
const VARIABLES = new Variables(FIELDS, "www.foo.com", "/p?a=1%262&b=x+y&e=");

/** With fragments by URL; those that are not there cannot be fetched. */
function made(template: string, fragments: Record<string, string> = {}): string {
  let result = "";
  compose(
    parseEsi(template),
    {
      variables: VARIABLES,
      fetch: (src, done) => {
        const text = fragments[src];
        done(text === undefined ? new Error(`no ${src}`) : undefined, text ?? "");
      },
    },
    (error, text) => {
      result = error === undefined ? text : `error: ${error.message}`;
    },
  );
  return result;
}

describe("ESI 1.0", () => {
  it.each([
    ["a<esi:include src='/f'/>b", "a[f]b"],
    ['<esi:include src="/f"></esi:include>.', "[f]."],
    ["<esi:include src='/none'/>", "error: no /none"],
    ["<esi:include src='/none' alt='/f'/>", "[f]"],
    ["a<esi:include src='/none' onerror='continue'/>b", "ab"],
    ["<esi:include src='/none' alt='/no' onerror='continue'/>b", "b"],
    ["a<esi:comment text='x > y'/>b", "ab"],
    ["a<esi:remove><p>x</p><esi:include src='/none'/></esi:remove>b", "ab"],
    ["a<!--esi <b><esi:include src='/f'/></b>-->c", "a <b>[f]</b>c"],
    ["a<!-- esi --><!-- x -->", "a<!-- esi --><!-- x -->"],
    ["<esi:vars>$(HTTP_HOST) $(NONE) $(NONE|'d e') $(NONE|d)</esi:vars>", "www.foo.com  d e d"],
    ["$(HTTP_HOST)", "$(HTTP_HOST)"],
    ["<esi:vars>$(HTTP_COOKIE{who})</esi:vars>", "&#34;&#60;b&#62;&#34;"],
    [
      "<esi:vars>$(QUERY_STRING{a})|$(QUERY_STRING{b})|$(QUERY_STRING{e}|none)</esi:vars>",
      "1&#38;2|x y|none",
    ],
    ["<esi:include src='/q?v=$(QUERY_STRING{a})'/>", "[q]"],
    ["<esi:include src='/q?$(QUERY_STRING)'/>", "[all]"],
    [
      "<esi:try> <esi:attempt>x<esi:include src='/none'/></esi:attempt><esi:except>y</esi:except></esi:try>",
      "y",
    ],
    [
      "<esi:try><esi:attempt>x<esi:include src='/f'/></esi:attempt><esi:except>y</esi:except></esi:try>",
      "x[f]",
    ],
    [
      "<esi:choose><esi:when test=\"$(HTTP_COOKIE{id})=='8'\">8</esi:when><esi:when test='$(HTTP_COOKIE{id})&lt;10'>few</esi:when><esi:otherwise>none</esi:otherwise></esi:choose>",
      "few",
    ],
    [
      "<esi:choose><esi:when test='false'>1</esi:when><esi:otherwise>2</esi:otherwise></esi:choose>",
      "2",
    ],
    ["<esi:choose><esi:when test='false'><esi:include src='/none'/></esi:when></esi:choose>z", "z"],
  ])("%s", (template, expected) => {
    const fragments = { "/f": "[f]", "/q?v=1%262": "[q]", "/q?a=1%262&b=x+y&e=": "[all]" };
    expect(made(template, fragments)).toBe(expected);
  });

  it.each([
    "<esi:include/>",
    "<esi:vars>",
    "</esi:vars>",
    "<esi:try><esi:attempt></esi:attempt></esi:try>",
    "<esi:choose></esi:choose>",
    "<esi:when test='1'></esi:when>",
    "<!--esi x",
    "<!--esi <!--esi --> -->",
    "<esi:nothing/>",
    "<esi:vars>".repeat(50) + "</esi:vars>".repeat(50),
    "<esi:comment/>".repeat(3000),
  ])("refused: %.60s", (template) => {
    expect(() => parseEsi(template)).toThrow(EsiError);
  });

  it.each([
    ["1 < 10", true],
    ["'1' < 'a'", true],
    ["$(HTTP_COOKIE{id}) == 7", true],
    ["$(HTTP_COOKIE{id}) != 7", false],
    ["!($(HTTP_COOKIE{id}) >= 8) & $(HTTP_ACCEPT_LANGUAGE{en})", true],
    ["$(HTTP_ACCEPT_LANGUAGE{fr}) | false", false],
    ["$(HTTP_USER_AGENT{browser}) == 'MOZILLA' & $(HTTP_USER_AGENT{os}) == 'UNIX'", true],
    ["$(HTTP_COOKIE{none}|'x') == 'x'", true],
    ["true | false & false", true],
  ])("%s: %s", (test, expected) => {
    expect(holds(test, VARIABLES)).toBe(expected);
  });

  it.each(["", "1 <", "(1", "1)", "a", "1 = 1", "1 2", `${"!".repeat(100)}1`, "$(x)"])(
    "no test: %j",
    (test) => {
      expect(() => holds(test, VARIABLES)).toThrow(EsiError);
    },
  );
});

const TEMPLATE = {
  "Surrogate-Control": 'max-age=60, content="ESI/1.0"',
  "Content-Type": "text/html",
};

function site(
  pages: Record<string, [fields: Record<string, string>, body: string]>,
  functions = {},
) {
  return edgeWorld({
    functions: { esi: true, ...functions },
    origin: (exchange) => {
      const [path = ""] = exchange.request.target.split("?");
      const page = pages[path];
      if (page === undefined) exchange.respondError(404, "none");
      else reply(exchange, ...page);
    },
  });
}

describe("pages made at the edge", () => {
  it("template and fragments are each kept for as long as they may be", () => {
    const { get, asked, requests, edge } = site({
      "/": [
        { ...TEMPLATE, ETag: '"t"' },
        "<p>$(A)<esi:include src='/news'/><esi:include src='stock?q=1'/></p>",
      ],
      "/news": [{ "Cache-Control": "max-age=60" }, "NEWS"],
      "/stock": [{ "Cache-Control": "no-store" }, "7"],
    });
    const first = get("www.foo.com", "/");
    expect(first.body).toBe("<p>$(A)NEWS7</p>");
    expect(get("www.foo.com", "/").body).toBe("<p>$(A)NEWS7</p>");
    expect(asked.map((one) => one.replace("198.51.100.80", "")).sort()).toEqual([
      "/",
      "/news",
      "/stock?q=1",
      "/stock?q=1",
    ]);
    // Edge Architecture 3.1, 3.2
    const capability = requests[0]?.fields.find(({ name }) => name === "Surrogate-Capability");
    expect(capability?.value).toBe('netkit="ESI/1.0"');
    for (const name of ["surrogate-control", "etag", "cdn-cache-control"])
      expect(first.field(name)).toBeUndefined();
    expect(first.field("cache-control")).toBe("private, no-cache");
    expect(edge.stats().functions.esi).toEqual({ pages: 2, fragments: 4, failed: 0 });
  });

  it("fragments are asked for side by side, in the name of the client", () => {
    const { get, requests, world } = site({
      "/": [
        TEMPLATE,
        Array.from({ length: 40 }, (_, i) => `<esi:include src='/f?${i}'/>`).join(""),
      ],
      "/f": [{ "Cache-Control": "no-store" }, "."],
    });
    const before = world.now;
    expect(get("www.foo.com", "/", { Cookie: "a=b", Range: "bytes=0-1" }).body).toBe(
      ".".repeat(40),
    );
    expect(world.now - before).toBeLessThan(300e6);
    const fragment = requests.at(-1)?.fields ?? [];
    expect(fragment.find(({ name }) => name === "Cookie")?.value).toBe("a=b");
    expect(fragment.some(({ name }) => name === "Range")).toBe(false);
  });

  it("templates within templates; none within itself, and not without end", () => {
    const nested = (src: string): [Record<string, string>, string] => [
      TEMPLATE,
      `(<esi:include src='${src}'/>)`,
    ];
    const { get, edge } = site({
      "/a": nested("/b"),
      "/b": nested("/c"),
      "/c": [{}, "c"],
      "/self": nested("/self"),
      "/round": nested("/trip"),
      "/trip": nested("/round#x"),
      "/deep": nested("/deep?$(QUERY_STRING)1"),
    });
    expect(get("www.foo.com", "/a").body).toBe("((c))");
    for (const path of ["/self", "/round", "/deep"]) {
      const got = get("www.foo.com", path);
      expect([path, got.statusCode]).toEqual([path, 502]);
      expect(got.body).toMatch(/^ESI: .*(?:within itself|deeper)/);
    }
    expect(edge.stats().functions.esi.failed).toBe(3);
  });

  it("fragments come from the sites of the edge alone, and from nothing that must be signed", () => {
    const page = (src: string): [Record<string, string>, string] => [
      TEMPLATE,
      `<esi:include src="${src}"/>`,
    ];
    const signing = { keys: new Map([["k", new Uint8Array(16)]]), prefixes: ["/private"] };
    const { get, asked } = site(
      {
        "/1": page("http://10.0.0.1/"),
        "/2": page("http://www.foo.com:81/"),
        "/3": page("file:///etc/passwd"),
        "/4": page("/x/../private/a"),
        "/5": page("/x/$(QUERY_STRING{p})/a"),
        "/private/a": [{}, "secret"],
      },
      { signing },
    );
    for (const path of ["/1", "/2", "/3", "/4", "/5?p=..%2F..%2Fprivate", "/5?p=.."])
      expect([path, get("www.foo.com", path).statusCode]).toEqual([path, 502]);
    expect(
      asked.filter((one) => one.includes("private/a")).every((one) => one.includes("%2F")),
    ).toBe(true);
  });

  it("what is no template passes, and so does a template for an edge that makes none", () => {
    const pages = {
      "/": [TEMPLATE, "<esi:include src='/f'/>"],
      "/plain": [{ "Content-Type": "text/html" }, "<esi:include src='/f'/>"],
    } as Record<string, [Record<string, string>, string]>;
    expect(site(pages).get("www.foo.com", "/plain").body).toBe("<esi:include src='/f'/>");
    expect(site(pages, { esi: false }).get("www.foo.com", "/").body).toBe(
      "<esi:include src='/f'/>",
    );
  });

  it("a page is then marked and coded", () => {
    const { get } = site(
      {
        "/": [TEMPLATE, `<body><esi:include src='/f'/>${"x".repeat(500)}</body>`],
        "/f": [{}, "F"],
      },
      { watermark: true, compress: true },
    );
    const got = get("www.foo.com", "/", { "Accept-Encoding": "gzip" });
    expect(got.field("content-encoding")).toBe("gzip");
    expect(gunzipSync(got.bytes).toString()).toBe(
      `<body>F${"x".repeat(500)}<div class="watermark">10.0.0.1</div></body>`,
    );
  });
});

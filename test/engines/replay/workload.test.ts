import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encode, TYPE } from "../../../src/codecs/dns/index.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";
import type { Workload, WorkloadObject } from "../../../src/engines/replay/index.ts";
import { Capture, datagram, get, ok, Talk } from "../../support/replay/conversation.ts";

/** 20 ms one way, 10 Mb/s. */
const PATH = { delay: 20, rate: 1250 };
const HTML = "Content-Type: text/html\r\n";
const codes = ({ notes }: Workload) => notes.map(({ code }) => code);
const objectsOf = ({ pages }: Workload): readonly WorkloadObject[] => pages[0]?.objects ?? [];
const parentsOf = (workload: Workload) =>
  objectsOf(workload).map(({ parents }) => parents.map(({ id, why }) => `${why} ${id}`).join());

/** One kept connection: each request as soon as the answer before it came. */
function persistent(
  exchanges: readonly (readonly [request: string, response: string | Uint8Array])[],
  think = 0,
) {
  const capture = new Capture();
  const talk = new Talk(capture, PATH, 40_000);
  let at = talk.open(0);
  for (const [request, response] of exchanges) {
    talk.request(at, request);
    at = talk.respond(at + PATH.delay + think, response) + 0.05;
  }
  return { capture, talk, end: at };
}

function zipped(text: string, type: string): Uint8Array {
  const body = gzipSync(text);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
  return new Uint8Array([...latin1Bytes(head), ...body]);
}

describe("objects", () => {
  it("an object lasts from its request to its last octet, with the sizes of all parts", () => {
    const body = "x".repeat(20_000);
    const request = get("/a", "Accept: */*\r\n");
    const { capture, end } = persistent([[request, ok(body)]]);
    const [object] = objectsOf(capture.workload());
    expect(object).toMatchObject({
      url: "http://example.net/a",
      method: "GET",
      status: 200,
      requestBytes: request.length,
      responseHeadBytes: ok("").length + 4,
      bodyBytes: 20_000,
      cut: false,
      requestHeaders: [
        ["Host", "example.net"],
        ["Accept", "*/*"],
      ],
    });
    expect(object?.startMs).toBeCloseTo(40.116, 2);
    expect(object?.endMs).toBeCloseTo(end - 0.05, 2);
  });

  it("RFC 9112 7.1: the framing of chunks counts as octets on the wire, not as body that is read", () => {
    const chunked = `HTTP/1.1 200 OK\r\n${HTML}Transfer-Encoding: chunked\r\n\r\n14\r\n<img src="/i.png">\r\n\r\n0\r\n\r\n`;
    const { capture } = persistent([
      [get("/"), chunked],
      [get("/i.png"), ok("i")],
    ]);
    const workload = capture.workload();
    expect(objectsOf(workload)[0]?.bodyBytes).toBe(chunked.length - chunked.indexOf("14\r\n"));
    expect(parentsOf(workload)).toEqual(["", "reference 0"]);
  });

  it("RFC 9110 15.2: an interim response answers nothing; RFC 9110 9.3.2: nor has HEAD a body", () => {
    const { capture } = persistent([
      [get("/a"), `HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n${ok("abc")}`],
      [
        "HEAD /b HTTP/1.1\r\nHost: example.net\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
      ],
      [get("/c"), ok("c")],
    ]);
    expect(objectsOf(capture.workload()).map((o) => [o.status, o.bodyBytes, o.cut])).toEqual([
      [200, 3, false],
      [200, 0, false],
      [200, 1, false],
    ]);
  });

  it("RFC 9111 3, 4.2: what caches may keep, and how long", () => {
    const kept = (fields: string) => ok("x", `${fields}\r\n`);
    const { capture } = persistent([
      [get("/1"), kept('Cache-Control: max-age=60\r\nETag: "e"')],
      [get("/2"), kept("Cache-Control: private, max-age=5")],
      [get("/3"), kept("Cache-Control: no-store")],
    ]);
    expect(objectsOf(capture.workload()).map(({ cacheability }) => cacheability)).toMatchObject([
      { storable: true, shared: true, freshSeconds: 60, etag: '"e"' },
      { storable: true, shared: false, freshSeconds: 5, etag: null },
      { storable: false, shared: false },
    ]);
  });
});

describe("who made the client ask for what", () => {
  it("a document names a sheet, the sheet a font; bodies may be packed", () => {
    const { capture } = persistent([
      [get("/"), zipped('<link rel=stylesheet href="s.css"><img src=i.png>', "text/html")],
      [get("/s.css"), zipped("@font-face{src:url(f.woff2)}", "text/css")],
      [get("/i.png"), ok("i")],
      [get("/f.woff2"), ok("f")],
    ]);
    const workload = capture.workload();
    expect(parentsOf(workload)).toEqual(["", "reference 0", "reference 0", "reference 1"]);
    expect(codes(workload)).toEqual(["link.rate"]);
  });

  it("RFC 9110 10.1.3: Referer tells where no body does; RFC 9110 15.4: so does a redirection", () => {
    const { capture } = persistent([
      [get("/old"), "HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"],
      [get("/new"), ok("packed", `${HTML}Content-Encoding: zstd\r\n`)],
      [get("/api", "Referer: http://example.net/new\r\n"), ok("{}")],
    ]);
    const workload = capture.workload();
    expect(parentsOf(workload)).toEqual(["", "redirect 0", "referer 1"]);
    expect(codes(workload)).toEqual(["link.rate", "body.coding"]);
  });

  it("what nothing names follows the document, and that is called a guess", () => {
    const { capture } = persistent([
      [get("/"), ok("<p>", HTML)],
      [get("/data.json"), ok("{}")],
    ]);
    const workload = capture.workload();
    expect(objectsOf(workload)[1]?.parents).toEqual([
      { id: 0, why: "timing", certainty: "low", afterBytes: null },
    ]);
    expect(codes(workload)).toContain("page.timing");
  });

  it("objects of which none is a document depend on nothing: their order is the client's way", () => {
    const { capture } = persistent([
      [get("/1"), ok("1")],
      [get("/2"), ok("2")],
    ]);
    expect(parentsOf(capture.workload())).toEqual(["", ""]);
  });

  it("an object asked for while its parent comes tells how much of the parent there was", () => {
    const capture = new Capture();
    const first = new Talk(capture, PATH, 40_000);
    const second = new Talk(capture, PATH, 40_001);
    const at = first.open(0);
    second.open(0.1);
    first.request(at, get("/"));
    const page = `<img src="/i.png">${"x".repeat(60_000)}`;
    const end = first.respond(at + 20, ok(page, HTML));
    second.request(end - 20, get("/i.png"));
    second.respond(end, ok("i"));
    const [parent] = objectsOf(capture.workload())[1]?.parents ?? [];
    expect(parent).toMatchObject({ id: 0, why: "reference" });
    expect(parent?.afterBytes).toBeGreaterThan(30_000);
    expect(parent?.afterBytes).toBeLessThan(60_000 - 20 * 1250 + 5000);
  });

  it("a reload has no bodies: what the page named before counts", () => {
    const { capture, talk } = persistent([
      [get("/"), ok("<img src=i.png>", HTML)],
      [get("/i.png"), ok("i")],
    ]);
    let at = 2000;
    for (const path of ["/", "/i.png"]) {
      talk.request(at, get(path, 'If-None-Match: "1"\r\n'));
      at = talk.respond(at + 20, "HTTP/1.1 304 Not Modified\r\n\r\n") + 0.05;
    }
    const { pages } = capture.workload();
    expect(pages.map(({ revalidates }) => revalidates)).toEqual([null, 0]);
    expect(pages[1]?.objects[1]?.parents).toMatchObject([{ id: 0, why: "reference" }]);
  });
});

describe("time to think", () => {
  it("the server's is what the path does not explain", () => {
    const { capture } = persistent([[get("/"), ok("x")]], 25);
    expect(objectsOf(capture.workload())[0]?.thinkMs).toBeCloseTo(25, 0);
  });

  it("RFC 7323 3: a response that waited in a queue is known by the server's clock", () => {
    const capture = new Capture();
    const slow = { delay: 20, rate: 125 };
    const big = new Talk(capture, slow, 40_000);
    const small = new Talk(capture, slow, 40_001);
    small.request(small.open(0), get("/first"));
    small.respond(75, ok("1"));
    const at = big.open(600);
    big.request(at, get("/big"));
    const end = big.respond(at + 20, ok("x".repeat(50_000)));
    small.request(at + 10, get("/small"));
    // Sent after 5 ms, behind all that stands in the queue.
    small.last = end;
    small.respond(at + 35, ok("y"));
    const object = objectsOf(capture.workload()).at(-1);
    expect((object?.firstByteMs ?? 0) - (object?.startMs ?? 0)).toBeGreaterThan(300);
    expect(Math.abs((object?.thinkMs ?? 0) - 5)).toBeLessThan(2);
  });

  it("RFC 9112 9.3.2: of pipelined responses it runs from when the one before was written", () => {
    const capture = new Capture();
    const talk = new Talk(capture, PATH, 40_000);
    const at = talk.open(0);
    talk.request(at, ["/1", "/2", "/3"].map((path) => get(path)).join(""));
    for (const spoken of [6, 11, 19]) talk.respond(at + 20 + spoken, ok("x".repeat(100)));
    const think = objectsOf(capture.workload()).map(({ thinkMs }) => Math.round(thinkMs ?? -1));
    expect(think).toEqual([6, 5, 8]);
  });

  it("the client's runs from when it knew of the object and had a connection", () => {
    const capture = new Capture();
    const first = new Talk(capture, PATH, 40_000);
    const at = first.open(0);
    first.request(at, get("/"));
    const end = first.respond(at + 20, ok("<img src=a><img src=b>", HTML));
    const second = new Talk(capture, PATH, 40_001);
    const open = second.open(end + 30);
    first.request(end + 12, get("/a"));
    first.respond(end + 32, ok("a"));
    second.request(open + 1, get("/b"));
    second.respond(open + 21, ok("b"));
    const think = objectsOf(capture.workload()).map(({ clientThinkMs }) => clientThinkMs);
    expect(think[1]).toBeCloseTo(12, 1);
    expect(think[2]).toBeCloseTo(31, 1);
  });
});

describe("the way of fetching", () => {
  const PATHS = ["/1", "/2", "/3", "/4"];

  function fetched(connections: number, closing: boolean): Workload {
    const capture = new Capture();
    const free = new Array<number>(connections).fill(0);
    const open: (Talk | undefined)[] = [];
    let port = 40_000;
    for (const path of PATHS) {
      const slot = free.indexOf(Math.min(...free));
      let at = free[slot] as number;
      let talk = open[slot];
      if (talk === undefined) {
        talk = new Talk(capture, PATH, port++);
        at = talk.open(at);
        open[slot] = talk;
      }
      talk.request(at, get(path));
      free[slot] = talk.respond(at + 20, ok("x".repeat(9000))) + 0.1;
      if (closing) open[slot] = undefined;
    }
    return capture.workload();
  }

  it.each([
    ["serial", 1, true],
    ["persistent", 1, false],
    ["concurrent", 2, true],
    ["concurrent-persistent", 2, false],
  ] as const)("%s", (strategy, connections, closing) => {
    const [page] = fetched(connections, closing).pages;
    expect([page?.strategy, page?.parallel]).toEqual([strategy, connections]);
    expect(page?.connections).toHaveLength(closing ? 4 : connections);
  });

  it("pipelined, and again on the open connection: two pages, the second one warm", () => {
    const capture = new Capture();
    const talk = new Talk(capture, PATH, 40_000);
    let at = talk.open(0);
    for (let round = 0; round < 2; round++) {
      talk.request(at, PATHS.map((path) => get(path)).join(""));
      at = talk.respond(at + 20, PATHS.map(() => ok("x".repeat(3000))).join("")) + 0.1;
    }
    const { pages } = capture.workload();
    expect(pages.map(({ strategy }) => strategy)).toEqual(["pipelined", "pipelined-warm"]);
    expect(pages[1]?.connections[0]).toMatchObject({ openMs: null, objects: [0, 1, 2, 3] });
    expect(pages[0]?.objects.slice(1).map(({ thinkMs }) => thinkMs)).toEqual([null, null, null]);
  });
});

describe("the link", () => {
  it("round trip from the handshake, rate from the distance of packets", () => {
    const { capture } = persistent([[get("/"), ok("x".repeat(200_000))]]);
    const { link, source } = capture.workload();
    expect(source.vantage).toBe("client");
    expect(link.rttMs).toBeCloseTo(40, 1);
    expect(link.rateMbps).toBeCloseTo(10, 1);
    expect(link.lossRate).toBe(0);
    expect(link.confidence.rateMbps.certainty).toBe("high");
  });

  const lossy = (again: number) => {
    const capture = new Capture();
    const talk = new Talk(capture, PATH, 40_000);
    const at = talk.open(0);
    talk.request(at, get("/"));
    talk.respond(at + 20, ok("x".repeat(100_000)), [2, 3], again);
    return capture.workload().link;
  };

  it("RFC 9293 3.8: a hole that is filled a round trip later was a loss", () => {
    expect(lossy(45)).toMatchObject({ retransmissions: 2, queueBytes: null });
    expect(lossy(45).lossRate).toBeCloseTo(2 / 72, 2);
  });

  it("RFC 4653: one that is filled sooner was a change of order", () => {
    expect(lossy(3)).toMatchObject({ retransmissions: 0, lossRate: 0 });
  });

  it("one small object tells a round trip, and no rate", () => {
    const { capture } = persistent([[get("/"), ok("x")]]);
    const workload = capture.workload();
    expect(workload.link).toMatchObject({ rateMbps: null, queueBytes: null });
    expect(codes(workload)).toContain("link.rate");
  });
});

describe("names", () => {
  const message = (id: number, name: string) => ({
    id,
    opcode: 0,
    aa: false,
    tc: false,
    rd: true,
    ra: true,
    ad: false,
    cd: false,
    questions: [{ name, type: TYPE.A, class: 1 }],
    authority: [],
    additional: [],
  });

  it("RFC 1035 4.1: a lookup before a page, and one that found nothing", () => {
    const { capture } = persistent([[get("/"), ok("x")]]);
    const address = { name: "example.net.", type: TYPE.A, class: 1, ttl: 300 };
    const query = (id: number, name: string) =>
      encode({ ...message(id, name), qr: 0, rcode: 0, answers: [] });
    datagram(capture, -60, true, query(1, "none.example.net."));
    datagram(
      capture,
      -52,
      false,
      encode({ ...message(1, "none.example.net."), qr: 1, rcode: 3, answers: [] }),
    );
    datagram(capture, -50, true, query(2, "example.net."));
    datagram(capture, -45, true, query(2, "example.net."));
    const answers = [{ ...address, rdata: { address: "192.0.2.80" } }];
    datagram(
      capture,
      -10,
      false,
      encode({ ...message(2, "example.net."), qr: 1, rcode: 0, answers }),
    );
    expect(capture.workload().dns).toMatchObject([
      { name: "none.example.net.", timeMs: 8, negative: true, ttl: null, page: null },
      { name: "example.net.", type: "A", timeMs: 40, negative: false, ttl: 300, page: 0 },
    ]);
  });
});

describe("captures that lack something", () => {
  it("no packets, no TCP, no HTTP: says which, and has no pages", () => {
    const empty = new Capture().workload();
    expect([codes(empty), empty.pages]).toEqual([["capture.empty"], []]);
    const names = new Capture();
    datagram(names, 0, true, new Uint8Array(3));
    expect(codes(names.workload())).toEqual(["tcp.none"]);
    const other = new Capture();
    const talk = new Talk(other, PATH, 40_000, "192.0.2.80", 22);
    const at = talk.open(0);
    talk.respond(at, "SSH-2.0-server\r\n");
    const workload = other.workload();
    expect([codes(workload), workload.pages]).toEqual([["http.none"], []]);
  });

  const conversation = () =>
    persistent([
      [get("/1"), ok("x".repeat(9000))],
      [get("/2"), ok("y".repeat(9000))],
    ]).capture;
  const fromClient = (bytes: Uint8Array) => bytes[15] === 1;

  it("only the client's packets: no pages, no round trip", () => {
    const workload = conversation()
      .without((bytes) => !fromClient(bytes))
      .workload();
    expect(codes(workload)).toEqual(["capture.one-way", "http.unanswered"]);
    expect([workload.pages, workload.link.rttMs, workload.link.rateMbps]).toEqual([[], null, null]);
  });

  it("only the server's packets: responses without requests are counted, not made into objects", () => {
    const workload = conversation().without(fromClient).workload();
    expect(codes(workload)).toContain("capture.one-way");
    expect(codes(workload)).toContain("http.orphans");
    expect(workload.pages).toEqual([]);
  });

  it("a gap in a body: its octets count, the body is not whole, the next object is", () => {
    let place = 0;
    const workload = conversation()
      .without((bytes) => !fromClient(bytes) && bytes.length > 1000 && ++place === 3)
      .workload();
    const objects = objectsOf(workload);
    expect(objects.map(({ cut, bodyBytes }) => [cut, bodyBytes])).toEqual([
      [true, 9000],
      [false, 9000],
    ]);
    expect(codes(workload)).toContain("http.cut");
  });

  it("packets cut by the snap length: sizes and times are told, bodies are not", () => {
    const whole = objectsOf(conversation().workload());
    const workload = conversation().workload(400);
    expect(objectsOf(workload).map(({ bodyBytes }) => bodyBytes)).toEqual([9000, 9000]);
    expect(objectsOf(workload).map(({ endMs }) => endMs)).toEqual(whole.map(({ endMs }) => endMs));
    expect(codes(workload)).toEqual(expect.arrayContaining(["capture.cut", "http.cut"]));
  });

  it("the capture ends inside a body", () => {
    const workload = conversation()
      .without((_, place) => place > 12)
      .workload();
    expect(objectsOf(workload)[0]).toMatchObject({ cut: true, status: 200 });
    expect(objectsOf(workload)[0]?.bodyBytes).toBeLessThan(9000);
  });

  it("it begins in the middle of a connection: no handshake, so the round trip is a weak guess", () => {
    const workload = conversation()
      .without((_, place) => place < 3)
      .workload();
    expect(objectsOf(workload)).toHaveLength(2);
    expect(codes(workload)).toContain("tcp.mid-stream");
    expect(workload.link.confidence.rttMs.certainty).toBe("low");
    expect(workload.link.rttMs).toBeGreaterThan(39);
  });

  it("a clock that goes back is told, with the packet", () => {
    const workload = conversation().shifted(50, -500).workload();
    const note = workload.notes.find(({ code }) => code === "clock.back");
    expect(note?.message).toMatch(/goes back by 4\d\d\.\d+ ms at packet \d+/);
  });

  it("RFC 7323 3: one that goes forward is told by the server's timestamps", () => {
    const { capture } = persistent([
      [get("/1"), ok("x".repeat(9000))],
      [get("/2"), ok("y")],
      [get("/3"), ok("z")],
    ]);
    expect(codes(capture.workload())).not.toContain("clock.jump");
    const note = capture
      .shifted(120, 30_000)
      .workload()
      .notes.find((n) => n.code === "clock.jump");
    expect(note?.message).toMatch(/jumps by (29|30)\d\d\d ms at 30\.1\d\d s/);
  });

  it("RFC 8446 5.1: TLS tells sizes and times of records, and no names", () => {
    const capture = new Capture();
    const talk = new Talk(capture, PATH, 40_000, "192.0.2.80", 443);
    const record = (type: number, length: number) =>
      String.fromCharCode(type, 3, 3, length >> 8, length & 0xff) + "\u0001".repeat(length);
    let at = talk.open(0);
    talk.request(at, record(22, 120));
    at = talk.respond(at + 20, record(22, 90) + record(23, 100));
    talk.request(at, record(23, 60));
    at = talk.respond(at + 20, record(23, 100).repeat(30));
    const workload = capture.workload();
    expect(objectsOf(workload)).toMatchObject([
      {
        opaque: true,
        method: "",
        status: 0,
        requestBytes: 60,
        bodyBytes: 3000,
        host: "192.0.2.80",
      },
    ]);
    expect(codes(workload)).toContain("tls.opaque");
    expect(workload.servers[0]?.secure).toBe(true);
  });
});

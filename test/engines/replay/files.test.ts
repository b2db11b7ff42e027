import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { workloadOfHar } from "../../../src/engines/replay/har.ts";
import type { Workload } from "../../../src/engines/replay/index.ts";
import { ShapeError } from "../../../src/engines/replay/json-check.ts";
import { readWorkload } from "../../../src/engines/replay/read-workload.ts";
import { Capture, get, ok, Talk } from "../../support/replay/conversation.ts";

function captured(): Workload {
  const capture = new Capture();
  const talk = new Talk(capture, { delay: 20, rate: 1250 }, 40_000);
  let at = talk.open(0);
  for (const [path, body] of [
    ["/", "<img src=i.png>"],
    ["/i.png", "i".repeat(5000)],
  ] as const) {
    talk.request(at, get(path));
    at = talk.respond(at + 20, ok(body, "Content-Type: text/html\r\n")) + 0.1;
  }
  return capture.workload();
}

type Mutable = { [key: string]: Mutable } & Mutable[];

/** The workload as it is saved, with one value changed. */
function edited(path: string, value: unknown): unknown {
  const json = JSON.parse(JSON.stringify(captured())) as Mutable;
  const keys = path.split(".");
  const last = keys.pop() as string;
  let place = json;
  for (const key of keys) place = place[key] as Mutable;
  if (value === undefined) delete place[last];
  else place[last] = value as Mutable;
  return json;
}

describe("a saved workload", () => {
  it("is read back as it was written", () => {
    const workload = captured();
    expect(readWorkload(JSON.parse(JSON.stringify(workload)))).toEqual(workload);
  });

  it("what its editor leaves out is taken as given, or as not known", () => {
    const workload = readWorkload(edited("link.confidence", undefined));
    expect(workload.link.confidence.rttMs).toEqual({
      certainty: "high",
      samples: 0,
      from: "given",
    });
    expect(
      readWorkload(edited("pages.0.objects.0.thinkMs", undefined)).pages[0]?.objects[0]?.thinkMs,
    ).toBeNull();
  });

  it.each([
    ["format", "x", 'format is not "netkit-workload"'],
    ["version", 2, "version is not 1"],
    ["link.rttMs", -1, "link.rttMs is -1: at least 0"],
    ["link.rateMbps", 0, "link.rateMbps is 0: at least 0.001"],
    ["link.rateMbps", "10", "link.rateMbps is not a number"],
    ["link.lossRate", 1, "link.lossRate is 1: at most 0.99"],
    ["link.queueBytes", 100, "link.queueBytes is 100: at least 1500"],
    ["pages", {}, "pages is not a list"],
    ["pages.0.objects", [], "pages[0].objects is empty"],
    [
      "pages.0.objects.1.bodyBytes",
      1.5,
      "pages[0].objects[1].bodyBytes is 1.5: a whole number is expected",
    ],
    ["pages.0.objects.1.url", "i.png", 'pages[0].objects[1].url is no URL: "i.png"'],
    ["pages.0.objects.1.id", 7, "pages[0].objects[1].id is 7: its place in the list is 1"],
    ["pages.0.objects.1.parents.0.id", 9, "pages[0].objects[1].parents[0].id is 9: at most 1"],
    [
      "pages.0.objects.1.parents.0.why",
      "luck",
      'pages[0].objects[1].parents[0].why is "luck": one of reference, redirect, referer, timing',
    ],
    [
      "pages.0.objects.1.headers.0",
      ["a"],
      "pages[0].objects[1].headers[0] is not a pair of name and value",
    ],
    [
      "pages.0.strategy",
      "fast",
      'pages[0].strategy is "fast": one of serial, persistent, concurrent, concurrent-persistent, pipelined, pipelined-warm, mixed',
    ],
    ["servers.0.port", 0, "servers[0].port is 0: at least 1"],
  ])("%s = %j is refused by name", (path, value, message) => {
    expect(() => readWorkload(edited(path, value))).toThrow(new ShapeError(message));
  });

  it("the example of docs/workload.md is one", () => {
    const [, text] = /```json\n([\s\S]*?)```/.exec(readFileSync("docs/workload.md", "utf8")) ?? [];
    const { pages, link } = readWorkload(JSON.parse(text ?? ""));
    expect(pages[0]?.objects[0]).toMatchObject({ bodyBytes: 45_000, cut: false, headers: [] });
    expect(link.confidence.rateMbps.from).toBe("given");
  });

  it("objects that wait for one another are refused", () => {
    const parents = [{ id: 1, why: "reference" }];
    expect(() => readWorkload(edited("pages.0.objects.0.parents", parents))).toThrow(
      "pages[0].objects has a circle of parents: 0 <- 1 <- 0",
    );
  });
});

const entry = (path: string, startedMs: number, over: Record<string, unknown> = {}) => ({
  startedDateTime: new Date(Date.UTC(2026, 5, 1) + startedMs).toISOString(),
  connection: "1",
  serverIPAddress: "192.0.2.80",
  request: {
    method: "GET",
    url: `https://example.net${path}`,
    headers: [{ name: "Accept", value: "*/*" }],
    headersSize: 80,
    bodySize: 0,
  },
  response: {
    status: 200,
    headers: [{ name: "Cache-Control", value: "max-age=9" }],
    headersSize: 120,
    bodySize: 5000,
    content: { size: 9000 },
    redirectURL: "",
  },
  timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 1, wait: 50, receive: 9 },
  ...over,
});
const har = (...entries: unknown[]) => ({ log: { version: "1.2", entries } });

describe("HAR 1.2", () => {
  it("entries become objects with their times; connecting tells the round trip", () => {
    const first = entry("/", 0, {
      timings: { blocked: 2, dns: 30, connect: 90, ssl: 50, send: 1, wait: 60, receive: 9 },
    });
    const second = entry("/a.css", 250, {
      _initiator: { type: "parser", url: "https://example.net/" },
    });
    const { link, pages, dns, servers, notes, source } = workloadOfHar(har(first, second));
    expect(source.kind).toBe("har");
    expect(link).toMatchObject({ rttMs: 40, rateMbps: null, queueBytes: null });
    expect(notes.map(({ code }) => code)).toEqual(["har.link"]);
    expect(servers).toMatchObject([{ address: "192.0.2.80", port: 443, secure: true, rttMs: 40 }]);
    expect(dns).toMatchObject([{ name: "example.net", startMs: 2, timeMs: 30, page: 0 }]);
    const [page] = pages;
    expect(page).toMatchObject({ startMs: 32, strategy: "persistent", parallel: 1, timeMs: 278 });
    expect(page?.connections).toMatchObject([
      { openMs: 0, establishedMs: 40, handshakeMs: 40, objects: [0, 1] },
    ]);
    expect(page?.objects).toMatchObject([
      {
        url: "https://example.net/",
        startMs: 90,
        firstByteMs: 151,
        endMs: 160,
        bodyBytes: 5000,
        responseHeadBytes: 120,
        requestBytes: 80,
      },
      {
        startMs: 218,
        endMs: 278,
        parents: [{ id: 0, why: "reference" }],
        cacheability: { freshSeconds: 9 },
      },
    ]);
  });

  it("requests that overlap on a connection are of no strategy of HTTP/1", () => {
    expect(workloadOfHar(har(entry("/1", 0), entry("/2", 10))).pages[0]?.strategy).toBe("mixed");
  });

  it("connections side by side, by what the file calls them", () => {
    const [page] = workloadOfHar(har(entry("/1", 0), entry("/2", 10, { connection: "2" }))).pages;
    expect([page?.strategy, page?.parallel]).toEqual(["concurrent", 2]);
  });

  it("pages by their ids, or by silence", () => {
    const paged = har(
      entry("/1", 0, { pageref: "a" }),
      entry("/2", 20, { pageref: "b" }),
      entry("/3", 90, { pageref: "a" }),
    );
    expect(workloadOfHar(paged).pages.map(({ objects }) => objects.length)).toEqual([2, 1]);
    expect(workloadOfHar(har(entry("/1", 0), entry("/2", 3000))).pages).toHaveLength(2);
  });

  it("sizes that it does not tell are not made up", () => {
    const { bodySize, content, ...response } = entry("/", 0).response;
    expect([bodySize, content.size]).toEqual([5000, 9000]);
    const workload = workloadOfHar(har(entry("/", 0, { response: { ...response, bodySize: -1 } })));
    expect(workload.pages[0]?.objects[0]).toMatchObject({ bodyBytes: 0, cut: true });
    expect(workload.notes.map(({ code }) => code)).toContain("har.sizes");
  });

  it.each([
    [{}, "log is not an object"],
    [{ log: {} }, "log.entries is not a list"],
    [har({}), "log.entries[0].request is not an object"],
    [har(entry("/", 0, { startedDateTime: "noon" })), "log.entries[0].startedDateTime is no time"],
    [
      har(entry("/", 0, { timings: { wait: "long" } })),
      "log.entries[0].timings.wait is not a number",
    ],
  ])("%#: what is no HAR is refused by name", (json, message) => {
    expect(() => workloadOfHar(json)).toThrow(new ShapeError(message));
  });

  it("an empty one has no pages, and says so", () => {
    const { pages, notes } = workloadOfHar(har());
    expect([pages, notes.map(({ code }) => code)]).toEqual([[], ["har.empty"]]);
  });
});

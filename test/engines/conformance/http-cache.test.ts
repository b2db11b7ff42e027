import { describe, expect, it } from "vitest";
import { RULES } from "../../../src/engines/conformance/http-cache/rules.ts";
import type { Host, TcpConnection } from "../../../src/engines/host.ts";
import { bytesOf, check, ORIGIN, ours, PROXY, textOf } from "./http-proxy-world.ts";

/** A little cache that keeps every response for ever, and where it is wiser than that. */
interface Naive {
  /** What the response is kept under. */
  key?(request: string): string;
  /** Whether it is kept. */
  keeps?(response: string, request: string): boolean;
  /** What goes out of the store. */
  reuse?(response: string, request: string): string;
  /** What the origin is asked. */
  asks?(request: string): string;
  /** What came of the origin, before it is kept. */
  came?(response: string): string;
  /** Whether what is stored is used. */
  uses?(request: string, age: number): boolean;
}

const isGet = (request: string) => request.startsWith("GET ");
const line = (text: string) => text.split("\r\n")[0] as string;

function naive(how: Naive) {
  const key = how.key ?? line;
  return (host: Host) => {
    const store = new Map<string, { text: string; at: number }>();
    const forward = (request: string, client: TcpConnection) => {
      let whole = "";
      host.connect(
        {
          onOpen: (c) => c.write(bytesOf(how.asks?.(request) ?? request)),
          onData: (data) => {
            const text = how.came?.(textOf(data)) ?? textOf(data);
            whole += text;
            client.write(bytesOf(text));
            if (how.keeps?.(whole, request) ?? isGet(request))
              store.set(key(request), { text: whole, at: host.clock.now() });
          },
          onEnd: (c) => {
            c.end();
            client.end();
          },
          onClose: () => {},
        },
        { remote: ORIGIN },
      );
    };
    host.listen(
      () => ({
        onData: (data, client) => {
          const request = textOf(data);
          const kept = store.get(key(request));
          const age = host.clock.now() - (kept?.at ?? 0);
          if (kept === undefined || how.uses?.(request, age) === false) forward(request, client);
          else client.write(bytesOf(how.reuse?.(kept.text, request) ?? kept.text));
        },
        onEnd: (client) => client.end(),
        onClose: () => {},
      }),
      { local: PROXY },
    );
  };
}

const never: Naive = { keeps: () => false };

/** Wrong in one way each, and the rule that tells. */
const BROKEN: readonly (readonly [what: string, id: string, cache: Naive])[] = [
  ["keeps no-store", "rfc9111.5.2.2.5-1", {}],
  [
    "reads names of directives with case",
    "rfc9111.5.2.2.5-2",
    { keeps: (r) => !r.includes("no-store") },
  ],
  [
    "reads one line of Cache-Control",
    "rfc9111.5.2.2.5-3",
    { keeps: (r) => !r.includes(": no-store, ") },
  ],
  ["keeps what is private", "rfc9111.5.2.2.7-1", {}],
  ["uses no-cache unasked", "rfc9111.5.2.2.4-1", {}],
  ["does not know s-maxage", "rfc9111.5.2.2.10-1", {}],
  ["does not count Age", "rfc9111.4.2.3-1", {}],
  ["takes Vary: * for nothing", "rfc9111.4.1-1", {}],
  ["does not know Vary", "rfc9111.4.1-2", {}],
  ["takes absent for anything", "rfc9111.4.1-3", {}],
  ["does not know Expires: 0", "rfc9111.5.3-1", {}],
  ["gives what Authorization got to others", "rfc9111.3.5-1", {}],
  ["leaves the query out of the key", "rfc9111.2-1", { key: (r) => line(r).replace(/\?\S*/, "") }],
  ["answers POST from the store", "rfc9111.4-1", { key: (r) => line(r).replace(/^\w+/, "") }],
  ["keeps bodies that broke off", "rfc9111.3.3-1", { reuse: (r) => r.replace("50", "6") }],
  ["gives parts for the whole", "rfc9111.3.3-2", {}],
  ["keeps what Connection names", "rfc9111.3.1-1", {}],
  ["does not invalidate by PUT", "rfc9111.4.4-1", {}],
  ["does not invalidate by DELETE", "rfc9111.4.4-2", {}],
  ["does not invalidate by POST", "rfc9111.4.4-3", {}],
  ["keeps nothing that has max-age", "rfc9111.4.2.1-1", never],
  ["keeps nothing that has Expires", "rfc9111.4.2.1-3", never],
  ["keeps no 404", "rfc9111.4.2.1-4", { keeps: (r) => r.includes(" 200 ") }],
  ["sends no Age", "rfc9111.5.1-1", {}],
  ["begins Age at 0", "rfc9111.4.2.3-2", { reuse: (r) => r.replace("Age: 30", "Age: 0") }],
  ["uses what is stale", "rfc9111.4.2-1", {}],
  ["validates without tag", "rfc9111.4.3.1-1", never],
  ["validates without date", "rfc9111.4.3.1-2", never],
  [
    "passes 304 on to who did not ask for it",
    "rfc9111.4.3.3-1",
    {
      uses: (_r, age) => age < 1e9,
      asks: (r) => r.replace("\r\n\r\n", '\r\nIf-None-Match: "netkit"\r\n\r\n'),
      came: (r) => r.replace(/^HTTP\/1.1 200 OK/, "HTTP/1.1 304 Not Modified"),
    },
  ],
  ["does not update by 304", "rfc9111.3.2-1", {}],
  ["passes over If-None-Match", "rfc9111.4.3.2-1", {}],
  [
    "answers every If-None-Match with 304",
    "rfc9111.4.3.2-2",
    { reuse: (r, q) => (/if-none/i.test(q) ? "HTTP/1.1 304 Not Modified\r\n\r\n" : r) },
  ],
  ["passes over no-cache of requests", "rfc9111.5.2.1.4-1", {}],
  ["passes over max-age of requests", "rfc9111.5.2.1.1-1", {}],
  ["asks the origin for only-if-cached", "rfc9111.5.2.1.7-1", {}],
  ["gives must-revalidate stale", "rfc9111.5.2.2.2-2", {}],
];

describe("conform http-cache", () => {
  it.each([false, true])("our cache keeps all rules (forward: %s)", (forward) => {
    const results = check(ours(forward), RULES, forward);
    expect(results.size).toBe(RULES.length);
    expect(RULES.length).toBeGreaterThanOrEqual(30);
    const wrong = [...results.values()].filter(({ outcome }) => outcome !== "passed");
    expect(wrong.map(({ rule, detail }) => `${rule.id}: ${detail}`)).toEqual([]);
  });

  it("every rule has an identifier of its own", () => {
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });

  it.each(BROKEN)("a cache that %s is caught by %s", (_what, id, cache) => {
    const rules = RULES.filter((rule) => rule.id === id);
    expect(check(naive(cache), rules).get(id)).toMatchObject({ outcome: "failed" });
  });
});

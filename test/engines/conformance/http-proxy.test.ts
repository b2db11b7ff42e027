import { describe, expect, it } from "vitest";
import { RULES } from "../../../src/engines/conformance/http-proxy/rules.ts";
import type { Copying } from "./http-proxy-world.ts";
import { check, copying, ours } from "./http-proxy-world.ts";

const add = (line: string) => (text: string) => text.replace("\r\n", `\r\n${line}\r\n`);

/** Wrong in one way each, and the rule that tells. */
const BROKEN: readonly (readonly [what: string, id: string, proxy: Copying])[] = [
  ["adds no Via", "rfc9110.7.6.3-1", {}],
  [
    "puts its Via in place of others",
    "rfc9110.7.6.3-2",
    { request: (t) => t.replace("1.0 first", "1.1 me") },
  ],
  ["passes on what Connection names", "rfc9110.7.6.1-1", {}],
  ["passes on Keep-Alive", "rfc9110.7.6.1-2", {}],
  ["passes on OPTIONS with Max-Forwards: 0", "rfc9110.7.6.2-1", {}],
  ["passes on TRACE with Max-Forwards: 0", "rfc9110.7.6.2-2", {}],
  ["does not count Max-Forwards", "rfc9110.7.6.2-3", {}],
  ["decodes the target", "rfc9110.7.7-1", { request: (t) => t.replace("%7e", "~") }],
  [
    "drops fields that it does not know",
    "rfc9110.5.1-1",
    { request: (t) => t.replace(/X-Netkit-Odd.*\r\n/, "") },
  ],
  ["reorders lines", "rfc9110.5.3-1", { request: (t) => t.replace("X-Netkit: 1", "X-Netkit: 9") }],
  [
    "takes Authorization away",
    "rfc9110.11.6.2-1",
    { request: (t) => t.replace(/Authorization.*\r\n/, "") },
  ],
  ["passes on the version of the client", "rfc9110.2.5-1", {}],
  ["sends POST again", "rfc9110.9.2.2-1", { repeats: true }],
  [
    "passes on the target in absolute form",
    "rfc9112.3.2.1-1",
    { request: (t) => t.replace(" /", " http://192.0.2.80/") },
  ],
  ["keeps Host beside an absolute target", "rfc9112.3.2.2-1", {}],
  ["adds a Host of its own", "rfc9112.3.2-1", { request: add("X-None: 1\r\nHost: two.example") }],
  [
    "hears no 100",
    "rfc9110.10.1.1-1",
    { response: (t) => t.replace(/HTTP\/1.1 (100|200)[\s\S]*/, "") },
  ],
  ["passes on what Connection of a response names", "rfc9110.7.6.1-3", {}],
  ["passes on Keep-Alive of the origin", "rfc9110.7.6.1-4", {}],
  ["changes the body", "rfc9110.7.7-2", { response: (t) => t.replaceAll("netkit", "NETKIT") }],
  [
    "drops fields of responses",
    "rfc9110.5.1-2",
    { response: (t) => t.replace(/X-Netkit-Odd.*\r\n/, "") },
  ],
  [
    "joins Set-Cookie",
    "rfc9110.5.3-2",
    { response: (t) => t.replace("a=1\r\nSet-Cookie: ", "a=1, ") },
  ],
  [
    "makes 200 of what it does not know",
    "rfc9110.15-1",
    { response: (t) => t.replace("299 Odd", "200 OK") },
  ],
  [
    "swallows interim responses",
    "rfc9110.15.2-1",
    { response: (t) => t.replace(/^HTTP\/1.1 103[\s\S]*?\r\n\r\n/, "") },
  ],
  ["passes on HTTP/1.0", "rfc9110.2.5-2", {}],
  ["sends chunks to HTTP/1.0", "rfc9112.6.1-2", {}],
  [
    "makes a broken body whole",
    "rfc9112.8-1",
    { response: (t) => t.replace("Length: 50", "Length: 5") },
  ],
  ["ends chunks that broke off", "rfc9112.8-2", { response: (t) => `${t}0\r\n\r\n` }],
  ["adds a length to 204", "rfc9110.15.3.5-1", { response: add("Content-Length: 0") }],
  [
    "passes on two lengths",
    "rfc9112.6.3-5",
    { response: (t) => t.replace("Content-Length: 3\r\n", "") },
  ],
  ["passes on folded lines", "rfc9112.5.2-1", {}],
  ["passes on a blank before the colon", "rfc9112.5.1-2", {}],
  [
    "mends a wrong length",
    "rfc9112.6.3-2",
    { request: (t) => t.replace("Content-Length: 3\r\n", "") },
  ],
  [
    "mends a blank before the colon",
    "rfc9112.5.1-1",
    { request: (t) => t.replace("Netkit :", "Netkit:") },
  ],
  ["makes up a Host", "rfc9112.3.2-2", { request: add("Host: 192.0.2.80") }],
  ["drops NUL", "rfc9110.5.5-1", { request: (t) => t.replace("\0", "") }],
  ["answers no closed origin", "rfc9110.15.6.3-2", { ends: false }],
];

describe("conform http-proxy", () => {
  it.each([false, true])("our proxy keeps all rules (forward: %s)", (forward) => {
    const results = check(ours(forward), RULES, forward);
    expect(results.size).toBe(RULES.length);
    expect(RULES.length).toBeGreaterThanOrEqual(30);
    const wrong = [...results.values()].filter(({ outcome }) => outcome === "failed");
    expect(wrong.map(({ rule, detail }) => `${rule.id}: ${detail}`)).toEqual([]);
    const skipped = [...results.values()].filter(({ outcome }) => outcome === "skipped");
    expect(skipped.map(({ rule }) => rule.id)).toEqual(forward ? [] : ["rfc9110.7.6.3-3"]);
  });

  it("every rule has an identifier of its own that names its section", () => {
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    for (const { id, spec } of RULES)
      expect(id).toBe(`${spec.replace("RFC ", "rfc").replace(" ", ".")}-${id.split("-")[1]}`);
  });

  it.each(BROKEN)("a proxy that %s is caught by %s", (_what, id, proxy) => {
    const results = check(
      copying(proxy),
      RULES.filter((rule) => rule.id === id),
    );
    expect(results.get(id)).toMatchObject({ outcome: "failed" });
  });

  it("a proxy that says nothing fails, and does not hang the run", () => {
    const results = check(
      copying({ response: () => "", ends: false }),
      RULES.filter(({ id }) => id === "rfc9110.5.1-1"),
    );
    expect(results.get("rfc9110.5.1-1")?.detail).toBe("no response came");
  });
});

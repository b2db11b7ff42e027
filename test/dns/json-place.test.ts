import { describe, expect, it } from "vitest";
import { jsonFault } from "../../src/dns/serve/json-place.ts";

describe("where a text stops to be JSON", () => {
  it.each([
    ['{\n "ttl": 5,\n "edges": [}', "3:12"],
    ['{"a": 1,}', "1:9"],
    ["{a: 1}", "1:2"],
    ['{"a" 1}', "1:6"],
    ["[1, 2\n", "2:1"],
    ['{"a": "\\x"}', "1:7"],
    ['{"a": [1, {"b": nul}]}', "1:17"],
    ["[01]", "1:3"],
    ['["\u0001"]', "1:2"],
    ['{"a": 1} x', "1:10"],
    ["", "1:1"],
  ])("RFC 8259 2: %j", (text, place) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(jsonFault(text)).toBe(place);
  });

  it("RFC 8259 7: what is JSON is read to its end", () => {
    const text = '{"a": ["\\u00e9\\n", -1.5e+3, true, null, {}, [], "é\u007f"]}';
    JSON.parse(text);
    expect(jsonFault(text)).toBe(`1:${text.length + 1}`);
  });
});

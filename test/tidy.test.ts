import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : path.endsWith(".ts") ? [path] : [];
  });
}

const sources = files("src");
const text = (path: string) => readFileSync(path, "utf8");
/** Tables may be long: they have no logic. */
const TABLES = /constants\.ts$|rdata-table\.ts$|schema\.ts$|conformance\/codec\/\w+\.ts$|\.d\.ts$/;

describe("the rules of the tree", () => {
  it("every file begins by saying what it is", () => {
    expect(
      sources.filter((path) => !path.endsWith(".d.ts") && !text(path).startsWith("/**")),
    ).toEqual([]);
  });

  it("files have one subject: at most 620 lines", () => {
    expect(
      sources.filter((path) => !TABLES.test(path) && text(path).split("\n").length > 620),
    ).toEqual([]);
  });

  it("codecs and engines own no clock, random source, socket or file", () => {
    const inner = sources.filter(
      (path) => path.startsWith("src/codecs") || path.startsWith("src/engines"),
    );
    const found = inner.filter((path) =>
      /\bDate\.now\(|Math\.random\(|process\.|setTimeout\(|setInterval\(|from "node:(?!crypto"|zlib")/.test(
        text(path),
      ),
    );
    expect(found).toEqual([]);
  });

  it("codecs import codecs only, engines nothing but codecs and engines", () => {
    const imports = (path: string) =>
      [...text(path).matchAll(/from "(\.[^"]+)"/g)].map(([, to]) => join(path, "..", to as string));
    const wrong = sources.flatMap((path) =>
      imports(path)
        .filter(
          (to) =>
            (path.startsWith("src/codecs/") && !to.startsWith("src/codecs/")) ||
            (path.startsWith("src/engines/") && !/^src\/(codecs|engines)\//.test(to)),
        )
        .map((to) => `${path} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it("nothing is left for later in the code", () => {
    expect(sources.filter((path) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text(path)))).toEqual([]);
  });
});

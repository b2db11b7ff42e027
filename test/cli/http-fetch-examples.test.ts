import { copyFileSync, cpSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import HttpFetch from "../../src/commands/http/fetch.ts";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";

let served: Served;
const folder = mkdtempSync(join(tmpdir(), "netkit-examples-"));
cpSync("examples", join(folder, "examples"), { recursive: true });
copyFileSync("README.md", join(folder, "README.md"));

beforeAll(async () => {
  served = await serve((_request, response) => response.end("<p>hello"));
});
afterAll(() => served.server.close());

describe("the examples of http fetch --help", () => {
  it.each(HttpFetch.examples)("%s", async (example) => {
    const place = new URL(served.url).host;
    const words = example.replaceAll("127.0.0.1:8080", place).split(" ").slice(5);
    const ran = await fetchRun(words, { cwd: folder });
    expect([ran.code, ran.stderr.includes("Error")]).toEqual([0, false]);
  });

  it("leave the files that they name, whole", () => {
    const files = readdirSync(folder).sort();
    expect(files).toEqual(["README.md", "big", "big.iso", "cookies.txt", "examples", "run.har"]);
  });
});

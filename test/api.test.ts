import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** What each module exports: a change here is a change for those who use netkit as a library. */
describe("exported names", () => {
  const codecs = readdirSync("src/codecs", { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "tls")
    .map((entry) => `codecs/${entry.name}`);
  it.each([...codecs, "engines/capture", "engines/dns", "net/live", "net/simulated"])(
    "%s",
    async (module) => {
      const url = new URL(`../src/${module}/index.ts`, import.meta.url).href;
      const exported = (await import(/* @vite-ignore */ url)) as object;
      const names = Object.keys(exported).sort();
      await expect(`${names.join("\n")}\n`).toMatchFileSnapshot(
        `api/${module.replace("/", "-")}.txt`,
      );
    },
  );
});

/** Prints the digests of some simulated runs, one a line; the last is of the octets of a trace of TCP. */
import { createHash } from "node:crypto";
import { chaosDigest } from "./chaos-world.ts";
import { downloads } from "./downloads.ts";

for (let seed = 1; seed <= 10; seed++) process.stdout.write(`${chaosDigest(seed)}\n`);
const { capture } = downloads(3, 300_000, 60_000, 0.01);
process.stdout.write(`${createHash("sha256").update(capture).digest("hex")}\n`);

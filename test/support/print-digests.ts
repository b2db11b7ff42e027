/** Prints the digests of some simulated runs, one a line. */
import { chaosDigest } from "./chaos-world.ts";

for (let seed = 1; seed <= 10; seed++) process.stdout.write(`${chaosDigest(seed)}\n`);

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveHost } from "../../../src/net/live/host.ts";
import { worldContract } from "../../support/world.contract.ts";

const cert = readFileSync("fixtures/tls/localhost.pem", "utf8");
const key = readFileSync("fixtures/tls/localhost.key", "utf8");

const make = () => {
  const folder = mkdtempSync(join(tmpdir(), "netkit-world-"));
  const host = new LiveHost("local", folder);
  return Promise.resolve({
    a: host,
    b: host,
    bAddress: "127.0.0.1",
    settle: <T>(promise: Promise<T>) => promise,
    wait: <T>(begin: (done: (value: T) => void, fail: (error: Error) => void) => void) =>
      new Promise<T>((resolve, reject) => begin(resolve, reject)),
    close: () => {
      host.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  });
};

worldContract("live", make, { cert, key, ca: cert });

/** Work that would keep the loop busy, on the thread pool of Node. */
import { webcrypto } from "node:crypto";
import { brotliCompress, deflate, gunzip, gzip, inflate } from "node:zlib";
import type { OffloadJob } from "../../engines/host.ts";

import { BROTLI } from "../brotli.ts";

type Done = (error: Error | null, result?: Uint8Array) => void;

export function offload(job: OffloadJob, done: Done): void {
  const { data } = job;
  switch (job.kind) {
    case "sha1":
    case "sha256":
      webcrypto.subtle
        .digest(job.kind === "sha1" ? "SHA-1" : "SHA-256", data as Uint8Array<ArrayBuffer>)
        .then(
          (hash) => done(null, new Uint8Array(hash)),
          (error: Error) => done(error),
        );
      return;
    case "gzip":
      gzip(data, done);
      return;
    case "gunzip":
      gunzip(data, done);
      return;
    case "deflate":
      deflate(data, done);
      return;
    case "inflate":
      inflate(data, done);
      return;
    case "brotli":
      brotliCompress(data, BROTLI, done);
  }
}

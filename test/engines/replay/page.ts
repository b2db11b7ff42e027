/** A made-up page, and everything that is predicted of it. */
import type { Workload, WorkloadObject } from "../../../src/engines/replay/workload.ts";
import type { ReplayFlags } from "../../../src/replay/options.ts";
import { assume } from "../../../src/replay/options.ts";
import type { Prediction } from "../../../src/replay/predict.ts";
import { predict } from "../../../src/replay/predict.ts";

const SURE = { certainty: "high", samples: 9, from: "a test" } as const;
export const FLAGS: ReplayFlags = {
  bottleneck: "behind-forward",
  upstream: "warm",
  cold: "documents",
  connections: 6,
  pages: 20,
};

function object(id: number, path: string, bodyBytes: number, type: string): WorkloadObject {
  return {
    id,
    url: `http://www.example.test${path}`,
    host: "www.example.test",
    opaque: false,
    method: "GET",
    status: 200,
    requestBytes: 90,
    requestHeaders: [["Host", "www.example.test"]],
    responseHeadBytes: 300,
    bodyBytes,
    cut: false,
    headers: [
      ["Content-Type", type],
      ["Date", "Thu, 01 Jan 2026 00:00:00 GMT"],
      ["Cache-Control", type === "text/html" ? "max-age=0, s-maxage=60" : "max-age=3600"],
      ["ETag", `"${id}"`],
    ],
    cacheability: {
      storable: true,
      shared: true,
      freshSeconds: 60,
      heuristic: false,
      etag: `"${id}"`,
      lastModified: null,
    },
    thinkMs: id === 0 ? 30 : 0.4,
    clientThinkMs: 0,
    parents: id === 0 ? [] : [{ id: 0, why: "reference", certainty: "high", afterBytes: null }],
    startMs: 60,
    firstByteMs: 130,
    endMs: 200,
    connection: 0,
  };
}

export function pageWorkload(): Workload {
  const objects = [
    object(0, "/", 30_000, "text/html"),
    ...Array.from({ length: 11 }, (_, i) =>
      object(i + 1, `/i${i}.png`, 4000 * (i + 1), "image/png"),
    ),
  ];
  return {
    format: "netkit-workload",
    version: 1,
    source: {
      kind: "capture",
      vantage: "client",
      packets: 1,
      bytes: 1,
      startedMs: Date.UTC(2026, 0, 1),
    },
    link: {
      rttMs: 60,
      rateMbps: 20,
      lossRate: 0,
      queueBytes: null,
      queueAtLeastBytes: null,
      retransmissions: 0,
      confidence: { rttMs: SURE, rateMbps: SURE, lossRate: SURE, queueBytes: SURE },
    },
    servers: [
      {
        id: 0,
        address: "192.0.2.1",
        port: 80,
        hosts: ["www.example.test"],
        rttMs: 60,
        secure: false,
      },
    ],
    pages: [
      {
        id: 0,
        startMs: 0,
        timeMs: 500,
        objects,
        connections: [
          {
            id: 0,
            server: 0,
            openMs: 0,
            establishedMs: 60,
            handshakeMs: 60,
            objects: objects.map(({ id }) => id),
          },
        ],
        strategy: "persistent",
        parallel: 1,
        revalidates: null,
      },
    ],
    dns: [],
    notes: [],
  };
}

let kept: readonly Prediction[] | undefined;

export function pagePredictions(): readonly Prediction[] {
  if (kept === undefined) {
    const workload = pageWorkload();
    kept = predict(workload, assume(workload, FLAGS, "page").options).predictions;
  }
  return kept;
}

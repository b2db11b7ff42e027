import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { CaptureRecord } from "../../src/engines/capture/record.ts";
import { ObjectOutput } from "../../src/engines/capture/record.ts";
import { decodeCaptures } from "../../src/net/capture/decode.ts";

const OFFICE = "fixtures/captures/office.pcap";
const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
if (!hasTshark) process.stderr.write("interop tests are skipped: tshark is not installed\n");

function tshark(filter: string, ...fields: string[]): string[][] {
  const args = [
    "-n",
    "-2",
    "-r",
    OFFICE,
    "-Y",
    filter,
    "-T",
    "fields",
    ...fields.flatMap((field) => ["-e", field]),
  ];
  const { stdout } = spawnSync("tshark", args, { encoding: "utf8" });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

async function records(protocol: string): Promise<CaptureRecord[]> {
  const found: CaptureRecord[] = [];
  await decodeCaptures([OFFICE], new ObjectOutput((record) => found.push(record)));
  return found.filter((record) => record.protocol === protocol);
}

describe.skipIf(!hasTshark)("tshark reads the capture that our encoders made as we do", () => {
  it("DNS", async () => {
    const ours = (await records("dns")).map((r) => [String(r.frame), String(r.body["id"])]);
    expect(
      tshark("dns", "frame.number", "dns.id").map(([frame, id]) => [frame, String(Number(id))]),
    ).toEqual(ours);
  });

  it("SIP and SDP", async () => {
    const ours = (await records("sip")).map((r) => [
      String(r.frame),
      String(r.body["callId"]),
      String(r.body["cseq"]),
    ]);
    expect(tshark("sip", "frame.number", "sip.Call-ID", "sip.CSeq.seq")).toEqual(ours);
  });

  it("RTP, announced by SDP", async () => {
    const ours = (await records("rtp")).map((r) => [
      String(r.frame),
      String(r.body["seq"]),
      String(r.body["timestamp"]),
    ]);
    expect(tshark("rtp", "frame.number", "rtp.seq", "rtp.timestamp")).toEqual(ours);
  });

  it("STUN", async () => {
    const ours = (await records("stun")).map((r) => [String(r.frame), String(r.body["txid"])]);
    expect(
      tshark("stun", "frame.number", "stun.id").map(([frame, id]) => [
        frame,
        (id as string).replaceAll(":", ""),
      ]),
    ).toEqual(ours);
  });

  it("BitTorrent: tshark finds no malformed packet", () => {
    expect(tshark("bittorrent && _ws.malformed", "frame.number")).toEqual([]);
    expect(tshark("bittorrent", "frame.number").length).toBeGreaterThan(0);
  });
});

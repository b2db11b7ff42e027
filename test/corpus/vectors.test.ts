import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decode as decodeBencode } from "../../src/codecs/bencode/index.ts";
import {
  decodeKrpc,
  infoHashes,
  parseMagnet,
  parseMetainfo,
} from "../../src/codecs/bittorrent/index.ts";
import { decode as decodeDns, encode as encodeDns } from "../../src/codecs/dns/index.ts";
import type { Issue } from "../../src/codecs/errors.ts";
import { DecodeError } from "../../src/codecs/errors.ts";
import { readMessage, verdict } from "../../src/codecs/sip/index.ts";
import { CORPUS, hasCorpus } from "./support/corpus.ts";

const lines = (file: string) =>
  readFileSync(join(CORPUS, file), "utf8")
    .split("\n")
    .filter((line) => line !== "");

function codeOf(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.code;
  }
}

describe.skipIf(!hasCorpus)("RFC 4475: torture messages", () => {
  const rows = hasCorpus
    ? lines("sip-torture/EXPECT.tsv")
        .slice(1)
        .map((line) => line.split("\t"))
    : [];
  it.each(rows)("%s (%s) is %s", (file, _section, kind, _bytes, wanted) => {
    const bytes = new Uint8Array(readFileSync(join(CORPUS, "sip-torture", file as string)));
    const strict = codeOf(() => readMessage(bytes, 0, bytes.length));
    if (kind === "valid") expect(strict).toBe("ok");
    if (kind === "invalid") expect(strict).not.toBe("ok");
    const issues: Issue[] = [];
    const { message, parts } = readMessage(bytes, 0, bytes.length, {
      tolerate: (issue) => issues.push(issue),
    });
    const judged = verdict(message, parts, issues);
    const statuses = [...(wanted as string).matchAll(/\b[45][0-9]{2}\b/g)].map(([code]) =>
      Number(code),
    );
    const mayAccept =
      kind === "valid" ||
      kind === "transaction" ||
      /accept|answer|ignore|treat|contact/i.test(wanted as string);
    if (judged.status !== undefined) expect(statuses).toContain(judged.status);
    else expect(judged.action === "drop" ? /drop/.test(wanted as string) : mayAccept).toBe(true);
  });
});

describe.skipIf(!hasCorpus)("bencode vectors", () => {
  const rows = hasCorpus
    ? lines("p2p/bencode/cases.jsonl").map(
        (line) => JSON.parse(line) as { id: string; hex?: string; strict: string },
      )
    : [];
  it.each(rows.filter((row) => row.hex !== undefined))("$id is $strict", ({ hex, strict }) => {
    expect(
      codeOf(() => decodeBencode(new Uint8Array(Buffer.from(hex as string, "hex")))).replace(
        "bencode.",
        "",
      ),
    ).toBe(strict);
  });
});

describe.skipIf(!hasCorpus)("torrents", () => {
  const hash = (name: string) => (bytes: Uint8Array) =>
    new Uint8Array(createHash(name).update(bytes).digest());
  const rows = hasCorpus
    ? lines("p2p/torrents/expected-libtorrent-2.0.8.jsonl").map(
        (line) =>
          JSON.parse(line) as {
            file: string;
            ok: boolean;
            v1?: string | null;
            v2?: string | null;
            num_pieces: number;
          },
      )
    : [];
  it.each(rows)("$file", ({ file, ok, v1, v2, num_pieces }) => {
    const bytes = new Uint8Array(readFileSync(join(CORPUS, "p2p/torrents", file)));
    if (!ok) {
      expect(codeOf(() => parseMetainfo(bytes, { tolerate: () => {} }))).not.toBe("ok");
      return;
    }
    const metainfo = parseMetainfo(bytes, { tolerate: () => {}, sha256: hash("sha256") });
    const { infohash, infohashV2 } = infoHashes(metainfo, {
      sha1: hash("sha1"),
      sha256: hash("sha256"),
    });
    expect([infohash ?? null, infohashV2 ?? null, metainfo.pieceCount]).toEqual([
      v1 ?? null,
      v2 ?? null,
      num_pieces,
    ]);
  });
});

describe.skipIf(!hasCorpus)("magnets and KRPC", () => {
  const magnets = hasCorpus
    ? (JSON.parse(readFileSync(join(CORPUS, "p2p/vectors/magnet.json"), "utf8")) as {
        uri: string;
        expect: string | { v1?: string; v2?: string };
      }[])
    : [];
  it.each(magnets)("$uri", ({ uri, expect: wanted }) => {
    if (wanted === "reject") {
      expect(codeOf(() => parseMagnet(uri))).not.toBe("ok");
      return;
    }
    const { infoHash, infoHashV2 } = parseMagnet(uri);
    expect([infoHash, infoHashV2]).toEqual([
      (wanted as { v1?: string }).v1,
      (wanted as { v2?: string }).v2,
    ]);
  });

  const krpc = hasCorpus
    ? lines("p2p/krpc/cases.jsonl").map(
        (line) => JSON.parse(line) as { id: string; hex?: string; verdict: string },
      )
    : [];
  it.each(krpc.filter((row) => row.hex !== undefined))(
    "KRPC $id: $verdict",
    ({ id, hex, verdict: wanted }) => {
      const code = codeOf(() => decodeKrpc(new Uint8Array(Buffer.from(hex as string, "hex"))));
      // A method that nobody knows and a token that is not ours are for the node, not the codec, to refuse.
      const forTheNode =
        wanted === "error-204" || id === "q-ann-badtoken" || /token|^put|^get/.test(wanted + id);
      if (wanted.startsWith("ok") || forTheNode) expect(code).toBe("ok");
      else expect(code).not.toBe("ok");
    },
  );
});

describe.skipIf(!hasCorpus)("DNS messages of other projects", () => {
  const files = hasCorpus
    ? readdirSync(join(CORPUS, "dns-wire/pdns")).filter((file) => file.endsWith(".raw"))
    : [];
  it.each(files)("%s is read, and its encoding says the same", (file) => {
    const bytes = new Uint8Array(readFileSync(join(CORPUS, "dns-wire/pdns", file)));
    const message = decodeDns(bytes);
    expect(decodeDns(encodeDns(message))).toEqual(message);
  });
});

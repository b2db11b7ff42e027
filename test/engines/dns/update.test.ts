import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { decode } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import type { DnsMessage } from "../../../src/codecs/dns/message.ts";
import { readZone, writeZone } from "../../../src/codecs/dns/zonefile.ts";
import { readScript } from "../../../src/dns/update/script.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import type { TsigKey } from "../../../src/engines/dns/tsig.ts";
import { parseTsigKey, signTsig, splitTsig } from "../../../src/engines/dns/tsig.ts";
import { applyUpdate } from "../../../src/engines/dns/update.ts";
import { UpdateJournal } from "../../../src/engines/dns/update-journal.ts";
import { Updater } from "../../../src/engines/dns/updater.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { applyDiffs } from "../../../src/engines/dns/zone-diff.ts";
import { LiveHost } from "../../../src/net/live/host.ts";

const TEXT = `$TTL 5
@ SOA ns h 0xSERIAL 3600 3600 86400 60
@ NS ns
@ NS ns2
ns A 192.0.2.1
www A 192.0.2.2
www A 192.0.2.3
www TXT "t"
alias CNAME www
`;

function zone(serial = 7, more = ""): Zone {
  const text = TEXT.replace("0xSERIAL", String(serial)) + more;
  return new Zone("z.", readZone(text, { origin: "z." }));
}

function message(...script: string[]): DnsMessage {
  const [batch] = readScript(script, "z.");
  const base = decode(Uint8Array.of(0, 9, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const sections = { answers: batch?.prerequisites ?? [], authority: batch?.updates ?? [] };
  const whole = { ...base, questions: [{ name: "z.", type: 6, class: 1 }], ...sections };
  return decode(encode(whole));
}

/** The rcode, or the lines that went and came with the new serial. */
function effect(...script: string[]): number | string[] {
  const before = zone();
  const outcome = applyUpdate(before, message(...script));
  if (!("diff" in outcome)) return outcome.rcode;
  if (outcome.diff === undefined) return [];
  const after = new Zone("z.", applyDiffs(before, [outcome.diff]) ?? []);
  const lines = (of: Zone) => writeZone(of.records()).replaceAll("\t", " ").split("\n");
  const [old, now] = [lines(before), lines(after)];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ].filter((line) => !line.includes(" SOA ns.z. h.z. 7 ") && !line.includes(" SOA ns.z. h.z. 8 "));
}

describe("UPDATE", () => {
  it.each<[string, string[], number | string[]]>([
    ["3.2.1 nxdomain", ["prereq nxdomain www.z."], 6],
    [
      "3.2.1 nxdomain holds",
      ["prereq nxdomain no.z.", "add no.z. 5 A 192.0.2.9"],
      ["+no.z. 5 IN A 192.0.2.9"],
    ],
    ["3.2.1 yxdomain", ["prereq yxdomain no.z."], 3],
    ["3.2.2 yxrrset", ["prereq yxrrset www.z. MX"], 8],
    ["3.2.2 nxrrset", ["prereq nxrrset www.z. A"], 7],
    ["3.2.3 all values", ["prereq yxrrset www.z. A 192.0.2.2"], 8],
    [
      "3.2.3 all values hold",
      [
        "prereq yxrrset WWW.z. A 192.0.2.3",
        "prereq yxrrset www.z. A 192.0.2.2",
        "add x.z. 5 A 192.0.2.9",
      ],
      ["+x.z. 5 IN A 192.0.2.9"],
    ],
    ["3.2.5 another zone", ["prereq yxdomain www.y."], 10],
    ["3.4.1.3 another zone", ["add www.y. 5 A 192.0.2.1"], 10],
    [
      "3.4.2.2 a TTL is that of all",
      ["add www.z. 9 A 192.0.2.3"],
      [
        "-www.z. 5 IN A 192.0.2.2",
        "-www.z. 5 IN A 192.0.2.3",
        "+www.z. 9 IN A 192.0.2.2",
        "+www.z. 9 IN A 192.0.2.3",
      ],
    ],
    ["3.4.2.2 what is there", ["add www.z. 5 A 192.0.2.3"], []],
    ["3.4.2.2 data beside a CNAME", ["add alias.z. 5 A 192.0.2.3"], []],
    ["3.4.2.2 a CNAME beside data", ["add www.z. 5 CNAME ns.z."], []],
    [
      "3.4.2.2 a CNAME replaces one",
      ["add alias.z. 5 CNAME ns.z."],
      ["-alias.z. 5 IN CNAME www.z.", "+alias.z. 5 IN CNAME ns.z."],
    ],
    ["3.4.2.2 an older SOA", ["add z. 5 SOA ns.z. h.z. 6 1 1 1 1"], []],
    [
      "3.4.2.2 a newer SOA",
      ["add z. 5 SOA ns.z. h.z. 70 1 1 1 1"],
      ["+z. 5 IN SOA ns.z. h.z. 70 1 1 1 1"],
    ],
    [
      "3.4.2.3 an RRset",
      ["delete www.z. A"],
      ["-www.z. 5 IN A 192.0.2.2", "-www.z. 5 IN A 192.0.2.3"],
    ],
    ["3.4.2.3 a name", ["delete alias.z."], ["-alias.z. 5 IN CNAME www.z."]],
    ["3.4.2.3 the apex keeps SOA and NS", ["delete z.", "delete z. NS", "delete z. SOA"], []],
    ["3.4.2.4 a record", ["delete www.z. A 192.0.2.2"], ["-www.z. 5 IN A 192.0.2.2"]],
    [
      "3.4.2.4 the last NS stays",
      ["delete z. NS ns.z.", "delete z. NS ns2.z."],
      ["-z. 5 IN NS ns.z."],
    ],
    [
      "3.4.2 in their order",
      ["delete www.z. A", "add www.z. 5 A 192.0.2.4"],
      ["-www.z. 5 IN A 192.0.2.2", "-www.z. 5 IN A 192.0.2.3", "+www.z. 5 IN A 192.0.2.4"],
    ],
  ])("RFC 2136 %s", (_rule, script, wanted) => {
    expect(effect(...script)).toEqual(wanted);
  });

  it("RFC 2136 3.4.1.2: a type of questions is a format error, and nothing of the message is done", () => {
    const good = message("add x.z. 5 A 192.0.2.1");
    const [record] = good.authority;
    for (const type of [252, 255, 41]) {
      const bad = { ...(record as object), type, rdata: { opaque: "00" } } as typeof record;
      const authority = [record, bad] as DnsMessage["authority"];
      expect(applyUpdate(zone(), { ...good, authority })).toEqual({ rcode: 1 });
    }
  });

  it("RFC 2136 3.6, RFC 1982: the serial grows by one, over its end and not to zero", () => {
    for (const [serial, next] of [
      [7, 8],
      [0xffffffff, 1],
    ] as const) {
      const outcome = applyUpdate(zone(serial), message("add x.z. 5 A 192.0.2.1"));
      expect(outcome).toMatchObject({ rcode: 0, diff: { to: { rdata: { serial: next } } } });
    }
  });
});

const hosts: LiveHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

const KEY = parseTsigKey("k:c2VjcmV0IHNlY3JldA==") as TsigKey;

/** A server of the zone of a file with serial `serial`, whose journal is at `path`. */
async function server(path: string, serial = 7, compactAbove?: number) {
  const host = new LiveHost();
  hosts.push(host);
  const said: string[] = [];
  const authority = new Authority(host.clock, {
    mayTransfer: () => true,
    tsigKeys: [KEY],
    onUpdate: (...asked) => updater.request(...asked),
  });
  const updater = new Updater({
    mayUpdate: ({ addr }, _zone, key) => key !== undefined || addr === "192.0.2.1",
    zoneOf: (origin) => authority.zoneAt(origin),
    onZone: (changed, diffs) => authority.setZone(changed, diffs),
    onFailure: (why) => said.push(why),
    compactAbove,
  });
  const first = zone(serial);
  authority.setZone(first);
  await new Promise<void>((done) => updater.open(first, new UpdateJournal(host, path), done));
  const ask = (bytes: Uint8Array, addr: string) =>
    new Promise<Uint8Array>((done) =>
      authority.query(bytes, { addr, port: 1, transport: "udp" }, (reply) => done(reply.slice())),
    );
  return { authority, updater, ask, said };
}

function journalPath(): string {
  return join(mkdtempSync(join(tmpdir(), "netkit-")), "z.journal");
}

describe("a server that takes updates", () => {
  it("RFC 2136 3.5, 3.7: they are on the disk when they are answered, and played at the next start", async () => {
    const path = journalPath();
    const one = await server(path);
    for (const i of [1, 2, 3]) {
      const answer = decode(
        await one.ask(encode(message(`add x${i}.z. 5 A 192.0.2.1`)), "192.0.2.1"),
      );
      expect([answer.rcode, answer.opcode, answer.id, answer.qr]).toEqual([0, 5, 9, 1]);
      expect(readFileSync(path, "latin1").split("\n").length).toBe(i + 1);
    }
    const two = await server(path);
    expect(two.authority.zone("z.")?.serial).toBe(10);
    expect(writeZone(two.authority.zone("z.")?.records() ?? [])).toContain("x3.z.");
  });

  it("a long journal becomes one change when it is read, and takes the next behind it", async () => {
    const path = journalPath();
    const one = await server(path);
    for (const i of [1, 2, 3])
      await one.ask(encode(message(`add x${i}.z. 5 A 192.0.2.${i}`)), "192.0.2.1");
    await one.ask(encode(message("delete x1.z. A")), "192.0.2.1");
    const records = () => writeZone(zoneOf().records()).split("\n").sort();
    let zoneOf = () => one.authority.zone("z.") as Zone;
    const before = records();
    const two = await server(path, 7, 100);
    expect(readFileSync(path, "latin1").match(/\n/g)).toHaveLength(1);
    expect(readFileSync(path, "latin1")).not.toContain("x1.z.");
    zoneOf = () => two.authority.zone("z.") as Zone;
    expect([records(), two.said]).toEqual([before, []]);
    await two.ask(encode(message("add x9.z. 5 A 192.0.2.9")), "192.0.2.1");
    expect((await server(path)).authority.zone("z.")?.serial).toBe(12);
  });

  it("a last change that was cut is dropped, and the next one stands in its place", async () => {
    const path = journalPath();
    const one = await server(path);
    await one.ask(encode(message("add x1.z. 5 A 192.0.2.1")), "192.0.2.1");
    const { length } = readFileSync(path);
    await one.ask(encode(message("add x2.z. 5 A 192.0.2.1")), "192.0.2.1");
    truncateSync(path, length + 40);
    const two = await server(path);
    expect(two.authority.zone("z.")?.serial).toBe(8);
    await two.ask(encode(message("add x3.z. 5 A 192.0.2.1")), "192.0.2.1");
    appendFileSync(path, "garbage\n");
    const three = await server(path);
    expect(three.authority.zone("z.")?.serial).toBe(9);
  });

  it("a change that is damaged is told, with those that it takes along, and the file is kept", async () => {
    const path = journalPath();
    const one = await server(path);
    for (const i of [1, 2, 3, 4])
      await one.ask(encode(message(`add x${i}.z. 5 A 192.0.2.1`)), "192.0.2.1");
    const text = readFileSync(path, "latin1");
    const [first, second] = text.split("\n") as [string, string];
    const damaged = text.replace(second, second.replace("x2.z.", "y2.z."));
    writeFileSync(path, damaged);
    const two = await server(path);
    expect(two.authority.zone("z.")?.serial).toBe(8);
    expect(two.said).toEqual([
      expect.stringMatching(/z\.journal: entry 2 is damaged; it and 2 whole ones after it/),
    ]);
    expect(readFileSync(`${path}.old`, "latin1")).toBe(damaged);
    expect(readFileSync(path, "latin1")).toBe(`${first}\n`);
    await two.ask(encode(message("add x5.z. 5 A 192.0.2.1")), "192.0.2.1");
    expect((await server(path)).authority.zone("z.")?.serial).toBe(9);
  });

  it("a journal of another version of the zone is set aside", async () => {
    const path = journalPath();
    const one = await server(path);
    await one.ask(encode(message("add x1.z. 5 A 192.0.2.1")), "192.0.2.1");
    const two = await server(path, 100);
    expect([two.authority.zone("z.")?.serial, two.said.length]).toEqual([100, 1]);
    expect([existsSync(`${path}.old`), readFileSync(path).length]).toEqual([true, 0]);
    two.updater.reload(zone(100));
    const answer = await two.ask(encode(message("add x2.z. 5 A 192.0.2.1")), "192.0.2.1");
    expect([decode(answer).rcode, two.authority.zone("z.")?.serial]).toEqual([0, 101]);
  });

  it("RFC 2136 3.3, RFC 8945 5.3: by address or by key, and who has neither is refused; the answer is signed", async () => {
    const { ask } = await server(journalPath());
    const plain = encode(message("add x1.z. 5 A 192.0.2.1"));
    expect(decode(await ask(plain, "192.0.2.99")).rcode).toBe(5);
    const seconds = Math.floor(Date.now() / 1000);
    const signed = await ask(signTsig(plain, KEY, seconds).bytes, "192.0.2.99");
    expect(decode(splitTsig(signed)?.message ?? new Uint8Array(0)).rcode).toBe(0);
    const other = parseTsigKey("k:b3RoZXI=") as TsigKey;
    const forged = await ask(signTsig(plain, other, seconds).bytes, "192.0.2.1");
    expect(decode(splitTsig(forged)?.message ?? new Uint8Array(0)).rcode).toBe(9);
  });

  it("RFC 2136 3.1: the zone section is one SOA of a zone that is served", async () => {
    const { ask } = await server(journalPath());
    const good = message("add x1.z. 5 A 192.0.2.1");
    const of = async (name: string, type: number) =>
      decode(await ask(encode({ ...good, questions: [{ name, type, class: 1 }] }), "192.0.2.1"))
        .rcode;
    expect([await of("z.", 1), await of("y.", 6), await of("www.z.", 6)]).toEqual([1, 9, 9]);
  });

  it("RFC 1995 5: each update is a version that secondaries can have", async () => {
    const { ask, authority } = await server(journalPath());
    for (const i of [1, 2]) await ask(encode(message(`add x${i}.z. 5 A 192.0.2.1`)), "192.0.2.1");
    const base = decode(Uint8Array.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    const ixfr = encode({
      ...base,
      questions: [{ name: "z.", type: 251, class: 1 }],
      authority: [zone().soa],
    });
    const client = { addr: "192.0.2.1", port: 1, transport: "udp" } as const;
    const answer = decode(Uint8Array.from(authority.answerNow(ixfr, client) as Uint8Array));
    expect(answer.answers.map(({ type }) => type)).toEqual([6, 6, 6, 1, 6, 6, 1, 6]);
  });
});

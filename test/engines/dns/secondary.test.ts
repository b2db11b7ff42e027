import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { decode } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import { FrameDecoder, frame } from "../../../src/codecs/dns/framing.ts";
import type { ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { readZone } from "../../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { DnsListener } from "../../../src/engines/dns/listener.ts";
import type { NotifyAnswer } from "../../../src/engines/dns/notifier.ts";
import { notify } from "../../../src/engines/dns/notifier.ts";
import { Secondary } from "../../../src/engines/dns/secondary.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { LiveHost } from "../../../src/net/live/host.ts";

const hosts: LiveHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

function newHost(): LiveHost {
  const host = new LiveHost();
  hosts.push(host);
  return host;
}

function zone(serial: number, more = "", times = "3600 3600 86400"): Zone {
  const text = `@ 5 SOA ns h ${serial} ${times} 60\n@ 5 NS ns\nns 5 A 192.0.2.1\n${more}`;
  return new Zone("z.", readZone(text, { origin: "z." }));
}

const MANY = Array.from({ length: 3000 }, (_, i) => `h${i} 5 A 192.0.2.1\n`).join("");

async function primary(first: Zone): Promise<{ authority: Authority; port: number }> {
  const host = newHost();
  const authority = new Authority(host.clock, { mayTransfer: () => true });
  authority.setZone(first);
  const port = await new Promise<number>((done, fail) => {
    new DnsListener(authority, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
      onListenError: fail,
    }).start(host);
  });
  return { authority, port };
}

type Event = number | "expired" | string;

/** A secondary, and what it tells in order: serials of zones, failures, its expiry. */
function secondary(port: number, file?: string) {
  const events: Event[] = [];
  let wake: (() => void) | undefined;
  const tell = (event: Event) => {
    events.push(event);
    wake?.();
  };
  const engine = new Secondary({
    zone: "z.",
    primary: { addr: "127.0.0.1", port },
    file,
    onZone: ({ serial }) => tell(serial),
    onExpire: () => tell("expired"),
    onFailure: tell,
  });
  engine.start(newHost());
  return {
    engine,
    async next(): Promise<Event> {
      while (events.length === 0) await new Promise<void>((done) => (wake = done));
      return events.shift() as Event;
    },
  };
}

type Records = ResourceRecord[];
/** As of a private type, by which it is found. */
const LONG_ADDRESS = {
  name: "b.z.",
  type: 0xff00,
  class: 1,
  ttl: 5,
  rdata: { opaque: "c000020109" },
};

describe("a secondary", () => {
  it("RFC 5936 2: has the zone of its primary, of any number of messages", async () => {
    const { port } = await primary(zone(7, MANY));
    const { engine, next } = secondary(port);
    expect(await next()).toBe(7);
    expect(engine.zone?.nodes.length).toBe(3002);
  });

  it("RFC 1982 3.2, RFC 1996 4.4: told of a serial that wrapped it takes the zone, an older one it does not", async () => {
    const { authority, port } = await primary(zone(0xfffffffe));
    const { engine, next } = secondary(port);
    expect(await next()).toBe(0xfffffffe);
    authority.setZone(zone(3));
    engine.notify();
    expect(await next()).toBe(3);
    authority.setZone(zone(2));
    engine.notify();
    engine.notify();
    authority.setZone(zone(4));
    engine.notify();
    expect(await next()).toBe(4);
  });

  it("RFC 1034 4.3.5: asks again when the refresh time is over", async () => {
    const { authority, port } = await primary(zone(1, "", "1 1 100"));
    const { next } = secondary(port);
    expect(await next()).toBe(1);
    authority.setZone(zone(2));
    expect(await next()).toBe(2);
  });

  it("RFC 1035 3.3.13: a zone that could not be refreshed for the expire time is not served", async () => {
    const { authority, port } = await primary(zone(1, "", "1 1 2"));
    const { next } = secondary(port);
    expect(await next()).toBe(1);
    authority.removeZone("z.");
    const events: Event[] = [];
    while (events.at(-1) !== "expired") events.push(await next());
    expect(events.length).toBeGreaterThan(1);
  });

  it("the zone is on the disk and served from there when the primary is away", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "netkit-")), "z.zone");
    const { port } = await primary(zone(5, 'a\\.b 5 TXT "x;y"\n'));
    const { next } = secondary(port, file);
    expect(await next()).toBe(5);
    const saved = () => {
      try {
        return readFileSync(file, "latin1");
      } catch {
        return "";
      }
    };
    while (!saved().includes("TXT")) await new Promise(setImmediate);
    for (const host of hosts.splice(0)) host.stop();
    const again = secondary(port, file);
    expect(await again.next()).toBe(5);
    expect(String(await again.next())).toContain("refused");
    expect(again.engine.zone?.find("\u0003a.b\u0001z\0")?.node).toBeDefined();
  });

  it.each([
    ["is cut", (whole: Records) => whole.slice(0, 1)],
    ["never ends in the SOA", (whole: Records) => whole.slice(0, 3)],
    [
      "holds what may not be served",
      ([soa, a]: Records) => [soa, { ...a, name: "out.side." }, soa],
    ],
    ["holds an address of 5 octets", ([soa]: Records) => [soa, LONG_ADDRESS, soa]],
  ])("RFC 5936 6: a transfer that %s replaces nothing", async (_how, broken) => {
    const file = join(mkdtempSync(join(tmpdir(), "netkit-")), "z.zone");
    const host = newHost();
    let serial = 1;
    const port = await new Promise<number>((done) => {
      host.listen(
        (connection) => {
          const frames = new FrameDecoder();
          return {
            onData(data) {
              frames.push(data);
              for (let m = frames.next(); m !== undefined; m = frames.next()) {
                const question = decode(Uint8Array.from(m));
                const { soa } = zone(serial);
                const whole = [...zone(serial, "a 5 A 192.0.2.7\n").records(), soa];
                const all =
                  question.questions[0]?.type === 6 ? [soa] : serial === 1 ? whole : broken(whole);
                const answers = all as typeof whole;
                const bytes = encode({ ...question, qr: 1, aa: true, answers });
                // The type is changed afterwards: no encoder writes what its type forbids.
                const at = Buffer.from(bytes).indexOf(Uint8Array.of(0xff, 0, 0, 1));
                if (at >= 0) bytes.set([0, 1], at);
                connection.write(frame(bytes));
                if (answers.at(-1) !== soa) connection.end();
              }
            },
            onClose() {},
          };
        },
        { local: { addr: "127.0.0.1" }, onListening: (l) => done(l.local.port) },
      );
    });
    const { engine, next } = secondary(port, file);
    expect(await next()).toBe(1);
    while (!existsSync(file)) await new Promise(setImmediate);
    serial = 2;
    engine.notify();
    expect(typeof (await next())).toBe("string");
    expect(engine.zone?.serial).toBe(1);
    expect(readFileSync(file, "latin1")).toContain(" 1 3600 3600 86400 60");
  });
});

it("RFC 1996 3.7: a NOTIFY is answered with its opcode and question, and NOTAUTH where it is no business of ours", () => {
  const told: string[] = [];
  const authority = new Authority(
    { wallMs: () => 0 },
    { onNotify: (key) => told.push(key) > 0 && key === "\u0001z\0" },
  );
  const ask = (name: string) => {
    const base = decode(Uint8Array.of(0, 9, 0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    const bytes = encode({ ...base, questions: [{ name, type: 6, class: 1 }] });
    const answer = authority.answerNow(bytes, { addr: "192.0.2.1", port: 1, transport: "udp" });
    return decode(Uint8Array.from(answer as Uint8Array));
  };
  expect(ask("Z.")).toMatchObject({
    id: 9,
    qr: 1,
    opcode: 4,
    rcode: 0,
    questions: [{ name: "Z." }],
  });
  expect(ask("y.").rcode).toBe(9);
  expect(told).toEqual(["\u0001z\0", "\u0001y\0"]);
});

it("RFC 1996 3.10: a NOTIFY goes to the secondary, whose answer ends it", async () => {
  const told: string[] = [];
  const host = newHost();
  const authority = new Authority(host.clock, { onNotify: (key) => told.push(key) > 0 });
  const port = await new Promise<number>((done) => {
    new DnsListener(authority, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
    }).start(host);
  });
  const answered = await new Promise<NotifyAnswer>((done) =>
    notify(newHost(), zone(1), { addr: "127.0.0.1", port }, done),
  );
  expect([answered, told]).toEqual([{ answered: true, rcode: 0 }, ["\u0001z\0"]]);
});

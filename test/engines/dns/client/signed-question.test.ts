/** Questions and NOTIFY that are signed, in the simulated world. RFC 8945 5.3, 5.4. */
import { describe, expect, it } from "vitest";
import { decode, encode, readZone, TYPE } from "../../../../src/codecs/dns/index.ts";
import { Authority } from "../../../../src/engines/dns/authority.ts";
import type { ExchangeEvent, ExchangeResult } from "../../../../src/engines/dns/client/exchange.ts";
import { Exchange } from "../../../../src/engines/dns/client/exchange.ts";
import { clientQuery } from "../../../../src/engines/dns/client/query.ts";
import type { DnsService } from "../../../../src/engines/dns/listener.ts";
import { DnsListener } from "../../../../src/engines/dns/listener.ts";
import type { NotifyAnswer } from "../../../../src/engines/dns/notifier.ts";
import { notify } from "../../../../src/engines/dns/notifier.ts";
import type { TsigKey } from "../../../../src/engines/dns/tsig.ts";
import { parseTsigKey } from "../../../../src/engines/dns/tsig.ts";
import { Zone } from "../../../../src/engines/dns/zone.ts";
import type { Host } from "../../../../src/engines/host.ts";
import { SECOND } from "../../../../src/engines/host.ts";
import { World } from "../../../../src/net/simulated/world.ts";

const SERVER = { addr: "10.0.0.1", port: 53 };
const GOOD = parseTsigKey("k1:Z29vZA==") as TsigKey;
const OTHER = parseTsigKey("k2:b3RoZXI=") as TsigKey;
const FALSE = parseTsigKey("k1:ZmFsc2U=") as TsigKey;
const ZONE = "@ 5 SOA ns h 1 60 60 600 60\n@ 5 NS ns\nns 5 A 10.0.0.1\nwww 5 A 192.0.2.1\n";

type Change = (bytes: Uint8Array) => readonly Uint8Array[];

function setUp(change: Change = (bytes) => [bytes]) {
  const world = new World({ seed: 1 });
  const heard: (string | undefined)[] = [];
  world.node("server", {
    addresses: [SERVER.addr],
    boot: () => ({
      start: (host: Host) => {
        const authority = new Authority(host.clock, {
          tsigKeys: [OTHER, GOOD],
          onNotify: (_zone, _client, key) => heard.push(key) > 0,
        });
        authority.setZone(new Zone("z.", readZone(ZONE, { origin: "z." })));
        const service: DnsService = {
          query: (request, client, reply) =>
            authority.query(request, client, (bytes) => {
              for (const one of change(bytes)) reply(one);
            }),
        };
        new DnsListener(service, { listen: [SERVER] }).start(host);
      },
      stop: (_graceful, done) => done(),
    }),
  });
  let client: Host | undefined;
  world.node("client", {
    addresses: ["10.0.0.2"],
    boot: () => ({
      start: (host: Host) => {
        client = host;
      },
      stop: (_graceful, done) => done(),
    }),
  });
  world.run(0);
  const host = client as unknown as Host;
  return { world, host, heard };
}

function ask(key: TsigKey | undefined, transport: "udp" | "tcp" = "udp", change?: Change) {
  const { world, host } = setUp(change);
  const events: ExchangeEvent[] = [];
  let result: ExchangeResult | undefined;
  const query = clientQuery("www.z.", TYPE.A, {}, host.random);
  new Exchange(
    host,
    { server: SERVER, transport, query, tries: 2, timeoutMs: 500, key },
    (ended) => {
      result = ended;
    },
    (event) => events.push(event),
  ).start();
  world.run(10 * SECOND);
  return { result, ignored: events.filter(({ kind }) => kind === "ignored").length };
}

/** What an attacker makes of the answer, who does not have the key. */
const forged: Change = (bytes) => {
  const message = decode(bytes);
  const additional = message.additional.filter(({ type }) => type !== TYPE.TSIG);
  return [encode({ ...message, additional })];
};
const flipped: Change = (bytes) => {
  const copy = new Uint8Array(bytes);
  // The last octet of the address, behind question, name, type, class, TTL and length.
  const at = 12 + 7 + 5 + 2 + 8 + 2;
  copy[at + 2] = 66;
  return [copy];
};

describe("a question that is signed", () => {
  it.each(["udp", "tcp"] as const)(
    "RFC 8945 5.3: over %s the answer's MAC is verified, whichever key of the server it is",
    (transport) => {
      for (const key of [GOOD, OTHER]) {
        const { result } = ask(key, transport);
        expect(result?.ok).toBe(true);
        if (result?.ok !== true) return;
        expect(result.response.answers).toHaveLength(1);
        expect(result.response.additional).toEqual([]);
      }
    },
  );

  it.each([
    ["has no signature", forged],
    ["was changed", flipped],
  ])(
    "RFC 8945 5.4: an answer that %s is discarded over UDP, and an error when no other comes",
    (_how, change) => {
      const { result, ignored } = ask(GOOD, "udp", change);
      expect(result).toMatchObject({ ok: false, cause: "tsig" });
      expect(ignored).toBe(2);
      expect(ask(GOOD, "tcp", change).result).toMatchObject({ ok: false, cause: "tsig" });
      expect(ask(undefined, "udp", change).result?.ok, "without a key it is believed").toBe(true);
    },
  );

  it("RFC 8945 5.4.1: a server that refuses the key ends it at once", () => {
    const { result, ignored } = ask(FALSE);
    expect(result).toMatchObject({ ok: false, cause: "tsig", sent: 1 });
    expect(ignored).toBe(1);
  });
});

describe("NOTIFY that is signed", () => {
  it("RFC 1996 3.11, RFC 8945 5.3: the secondary knows whose it is, the primary believes only a signed answer", () => {
    for (const [key, change, answered] of [
      [GOOD, undefined, true],
      [GOOD, forged, false],
      [undefined, undefined, true],
    ] as const) {
      const { world, host, heard } = setUp(change);
      let result: boolean | undefined;
      notify(
        host,
        { name: "z." },
        SERVER,
        (ended) => {
          result = ended.answered;
        },
        key,
      );
      world.run(100 * SECOND);
      expect(result).toBe(answered);
      expect(new Set(heard)).toEqual(new Set([key?.name]));
    }
  });

  it("RFC 8945 5.4: that the key is refused is told after one try, in which the true answer may come", () => {
    const { world, host } = setUp();
    const ended: { answer: NotifyAnswer; at: number }[] = [];
    const done = (answer: NotifyAnswer) => ended.push({ answer, at: host.clock.now() });
    notify(host, { name: "z." }, SERVER, done, FALSE);
    world.run(100 * SECOND);
    expect(ended).toEqual([
      {
        answer: { answered: false, why: "tsig", detail: expect.stringContaining("BADSIG") },
        at: 2 * SECOND,
      },
    ]);
  });
});

import { describe, expect, it } from "vitest";
import type { Random } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import { Agent } from "../../../../src/engines/http/fetch/agent.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import { SERVER_LIMITS, ServerConnection } from "../../../../src/engines/http/server-connection.ts";
import { World } from "../../../../src/net/simulated/world.ts";
import { seeds } from "../../../support/seeds.ts";
import { bytesOf, SERVER, textOf } from "../world.ts";

const OBJECTS = 40;

/** Long enough for several segments, and different for each object and method. */
const bodyOf = (method: string, target: string) => `${method} ${target};`.repeat(400);

/** A server that answers, closes, breaks off in the middle, is late or says 503. */
function moody(random: Random, posts: Map<string, number>) {
  return (exchange: Exchange) => {
    const { method, target } = exchange.request;
    if (method === "POST") posts.set(target, (posts.get(target) ?? 0) + 1);
    const body = bytesOf(bodyOf(method, target));
    const mood = random.below(10);
    const { clock } = exchange.host;
    const fields = [
      { name: "ETag", value: `"${target}"` },
      ...(mood === 0 ? [{ name: "Connection", value: "close" }] : []),
    ];
    if (mood === 1) exchange.abort();
    else if (mood === 2) exchange.respondError(503, "busy");
    else if (mood === 3) {
      exchange.start({
        statusCode: 200,
        fields: [...fields, { name: "Content-Length", value: String(body.length) }],
      });
      exchange.write(body.subarray(0, 1 + random.below(body.length - 1)));
      const cut = () => (exchange.gone ? undefined : exchange.abort());
      clock.timer(cut).armAt(clock.now() + random.below(300) * MILLISECOND);
    } else if (mood === 4) {
      const late = () => exchange.respond({ statusCode: 200, fields }, body);
      clock.timer(late).armAt(clock.now() + random.below(2000) * MILLISECOND);
    } else answerRange(exchange, fields, body, target);
  };
}

function answerRange(
  exchange: Exchange,
  fields: { name: string; value: string }[],
  body: Uint8Array,
  target: string,
): void {
  const [, from] = /^bytes=([0-9]+)-$/.exec(exchange.field("range") ?? "") ?? [];
  if (from === undefined || exchange.field("if-range") !== `"${target}"`) {
    exchange.respond({ statusCode: 200, fields }, body);
    return;
  }
  const value = `bytes ${from}-${body.length - 1}/${body.length}`;
  const told = [...fields, { name: "Content-Range", value }];
  exchange.respond({ statusCode: 206, fields: told }, body.subarray(Number(from)));
}

describe("a user agent when everything goes wrong", () => {
  it.each(seeds())(
    "seed %i: each object ends once, whole or with a fault; no POST is carried out twice",
    (seed) => {
      const world = new World({ seed, delay: 10 * MILLISECOND });
      const server = world.node("server", { addresses: [SERVER.addr] });
      const client = world.node("client", { addresses: ["198.51.100.1"] });
      const posts = new Map<string, number>();
      const handler = moody(server.random.fork("mood"), posts);
      server.listen(
        (connection) => new ServerConnection(server, connection, handler, SERVER_LIMITS),
        {
          local: { port: 80 },
        },
      );
      world.faults.chaos({
        nodes: ["client", "server"],
        kinds: ["loss", "duplicate", "reorder", "clog", "partition", "one-way", "rst"],
        every: 200 * MILLISECOND,
        longest: 400 * MILLISECOND,
      });
      const fetcher = new Fetcher(client, {
        strategy: {
          connections: 1 + (seed % 3),
          keep: seed % 7 !== 0,
          depth: seed % 2 === 0 ? 8 : 1,
        },
        lookup: (_name, done) => done(null, { addresses: [SERVER.addr] }),
        connectTime: 3 * SECOND,
        responseTime: 5 * SECOND,
      });
      const agent = new Agent(fetcher, { retry: { times: 8, delay: 100 * MILLISECOND } });
      const ends: string[] = new Array<string>(OBJECTS).fill("");
      for (let i = 0; i < OBJECTS; i++) {
        const method = i % 5 === 4 ? "POST" : "GET";
        const target = `/${i}`;
        let status = 0;
        let got = "";
        agent.fetch(
          {
            method,
            origin: { scheme: "http", host: "a.test", port: 80 },
            target,
            fields: [{ name: "Host", value: "a.test" }],
            ...(method === "POST" ? { body: bytesOf("once") } : {}),
          },
          {
            head: (head) => {
              status = head.statusCode;
              got = "";
            },
            data: (bytes) => {
              got += textOf(bytes);
            },
            end: () => {
              const right = status === 503 || got === bodyOf(method, target);
              ends[i] += right ? "whole" : `wrong: ${status} with ${got.length} octets`;
            },
            failed: (why) => {
              ends[i] += `failed ${why.fault}`;
            },
          },
        );
      }
      world.run(20 * SECOND);
      world.faults.quiet();
      world.run(world.now + 600 * SECOND);
      expect(
        ends.filter((end) => !/^(?:whole|failed (?:closed|timeout|connect))$/.test(end)),
      ).toEqual([]);
      expect([...posts].filter(([, times]) => times > 1)).toEqual([]);
      // Eight tries of what may be repeated are enough once the network is quiet.
      expect(ends.filter((end, i) => i % 5 !== 4 && end !== "whole").length).toBeLessThan(
        OBJECTS / 4,
      );
    },
  );
});

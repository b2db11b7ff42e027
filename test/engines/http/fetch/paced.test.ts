import { expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import type { BodyOut } from "../../../../src/engines/http/client-connection.ts";
import { PacedSource } from "../../../../src/engines/http/fetch/paced.ts";
import { RateLimit } from "../../../../src/engines/http/fetch/rate.ts";
import { clientOf, httpWorld } from "../world.ts";

/** So many octets in pieces of 10 kB. */
function source(length: number) {
  let left = length;
  return {
    length,
    pump: (out: BodyOut) => {
      while (left > 0) {
        const bytes = new Uint8Array(Math.min(10_000, left));
        left -= bytes.length;
        if (!out.write(bytes)) return;
      }
      out.end();
    },
  };
}

it("a body of 300 kB at 100 kB/s takes three seconds, and comes whole", () => {
  let came = 0;
  const { world } = httpWorld((exchange) =>
    exchange.readBody({
      data: (bytes) => {
        came += bytes.length;
      },
      end: () => exchange.respond({ statusCode: 204, fields: [] }),
      cut: () => {},
    }),
  );
  const { send } = clientOf(world);
  const { clock } = world.get("client");
  const answer = send("PUT", "/", {
    body: new PacedSource(source(300_000), new RateLimit(100_000), clock),
  });
  world.run(2 * SECOND);
  expect([answer.ended, came > 100_000, came < 220_000]).toEqual([false, true, true]);
  world.run(10 * SECOND);
  expect([answer.ended, came]).toEqual([true, 300_000]);
  expect(answer.at * MILLISECOND).toBeGreaterThan(3 * SECOND - 200 * MILLISECOND);
});

it("a body that takes longer than the response may is not overdue while it goes out", () => {
  const { world } = httpWorld((exchange) =>
    exchange.readBody({
      data: () => {},
      end: () => exchange.respond({ statusCode: 204, fields: [] }),
      cut: () => {},
    }),
  );
  const { send } = clientOf(world, {}, { responseTime: SECOND });
  const { clock } = world.get("client");
  const body = new PacedSource(source(300_000), new RateLimit(100_000), clock);
  const answer = send("PUT", "/", { body });
  world.run(10 * SECOND);
  expect([answer.ended, answer.error]).toEqual([true, undefined]);
});

/** A slow server, for teaching: answers later, and bodies no faster than a rate. */
import type { Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestHandler } from "../server-connection.ts";

export function delayed(handler: RequestHandler, latency: Nanos): RequestHandler {
  if (latency === 0) return handler;
  return (exchange) => {
    const { clock } = exchange.host;
    const timer = clock.timer(() => {
      if (!exchange.gone) handler(exchange);
    });
    timer.armAt(clock.now() + latency);
  };
}

/** Octets a second of each response. */
export function limited(handler: RequestHandler, bytesPerSecond: number): RequestHandler {
  return (exchange) => {
    slow(exchange, bytesPerSecond);
    handler(exchange);
  };
}

/** Puts a valve before the exchange's `write` and `end`: what is written waits its turn. */
function slow(exchange: Exchange, rate: number): void {
  const { clock } = exchange.host;
  const write = exchange.write.bind(exchange);
  const end = exchange.end.bind(exchange);
  const queue: Uint8Array[] = [];
  let trailers: Parameters<Exchange["end"]>[0] | undefined;
  let ended = false;
  /** The client takes less than the rate. */
  let full = false;
  let free = 0;
  const step = Math.max(1, Math.floor(rate / 50));
  const timer = clock.timer(() => pour());
  const pour = (): void => {
    const now = clock.now();
    while (queue.length > 0 && free <= now && !full) {
      const piece = queue[0] as Uint8Array;
      const part = piece.subarray(0, step);
      if (part.length === piece.length) queue.shift();
      else queue[0] = piece.subarray(part.length);
      free = Math.max(free, now) + Math.round((part.length / rate) * SECOND);
      full = !write(part);
    }
    if (exchange.gone) return;
    if (queue.length === 0 && ended) end(trailers);
    else if (full) return;
    else if (queue.length > 0) timer.armAt(free);
    else exchange.onDrain?.();
  };
  exchange.drained = () => {
    full = false;
    if (!timer.armed) timer.armAt(Math.max(clock.now(), free));
  };
  exchange.write = (bytes) => {
    if (bytes.length > 0) queue.push(bytes);
    if (!timer.armed && !full) timer.armAt(Math.max(clock.now(), free));
    return false;
  };
  exchange.end = (fields) => {
    ended = true;
    trailers = fields;
    if (!timer.armed) timer.armAt(Math.max(clock.now(), free));
  };
}

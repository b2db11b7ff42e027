/** The time that a host takes for itself before its program sees a request. */
import type { Clock, TcpConnection } from "../../host.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { RequestHandler } from "../../http/server-connection.ts";
import type { HostTime } from "./site.ts";

interface Arrivals {
  waiting: Exchange[];
  seen: boolean;
}

/** A handler that waits for `time` and then gives what has come to `handler`, whose answers of that moment share a write. */
export function paced(clock: Clock, handler: RequestHandler, time: HostTime): RequestHandler {
  const lanes = new WeakMap<TcpConnection, Arrivals>();
  return (exchange) => {
    let lane = lanes.get(exchange.connection);
    if (lane === undefined) {
      lane = { waiting: [], seen: false };
      lanes.set(exchange.connection, lane);
    }
    const arrivals = lane;
    arrivals.waiting.push(exchange);
    if (arrivals.waiting.length > 1) return;
    const wait = time.exchange + (arrivals.seen ? 0 : time.accept);
    arrivals.seen = true;
    const handle = () => {
      const batch = arrivals.waiting;
      arrivals.waiting = [];
      exchange.batch(() => {
        for (const one of batch) handler(one);
      });
    };
    clock.timer(handle).armAt(clock.now() + wait);
  };
}

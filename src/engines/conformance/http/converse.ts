/** One step of a rule: a connection on which segments are sent, and what came back. */
import type { Endpoint, Host, TcpConnection } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import { Collector } from "./collector.ts";
import type { Reply, Step } from "./rule.ts";

const SEGMENT_PAUSE = 5 * MILLISECOND;
const MAX_OCTETS = 8 * 1024 * 1024;

export function converse(
  host: Host,
  server: Endpoint,
  step: Step,
  done: (reply: Reply) => void,
): void {
  const collector = new Collector(step.methods);
  let over = false;
  let closed = false;
  const end = () => {
    if (over) return;
    over = true;
    timer.armAt(undefined);
    pause.armAt(undefined);
    connection.reset();
    done(collector.reply(closed));
  };
  const wait = () => timer.armAt(host.clock.now() + step.wait * MILLISECOND);
  const timer = host.clock.timer(end);
  let sent = 0;
  const send = (c: TcpConnection) => {
    const segment = step.segments[sent++];
    if (segment === undefined || over) return;
    c.write(segment);
    wait();
    if (sent < step.segments.length) pause.armAt(host.clock.now() + SEGMENT_PAUSE);
  };
  const pause = host.clock.timer(() => send(connection));
  const connection = host.connect(
    {
      onOpen: send,
      onData: (data) => {
        if (over) return;
        wait();
        collector.push(data);
        const enough = step.responses > 0 && collector.responses.length >= step.responses;
        if (enough || collector.fault !== undefined || collector.octets > MAX_OCTETS) {
          // What follows at once is seen as well: a response too many, the end.
          timer.armAt(host.clock.now() + 50 * MILLISECOND);
        }
      },
      onEnd: () => {
        closed = true;
        collector.finish();
        host.clock.defer(end);
      },
      onClose: () => {
        closed = true;
        host.clock.defer(end);
      },
    },
    { remote: server },
  );
  wait();
}

/** A request body on its way through: as fast as the upstream takes it, and no faster. */
import type { Field } from "../../../codecs/http/message.ts";
import type { BodyOut, BodySource } from "../client-connection.ts";
import type { Exchange } from "../exchange.ts";
import { passedTrailers } from "../fields.ts";
import type { BodySink } from "../head.ts";

export interface PassedBody extends BodySource {
  /** Nobody wants it any more: what comes is read and dropped, so that the connection goes on. */
  release(): void;
}

export function bodyOf(exchange: Exchange): PassedBody {
  /** What came before the upstream was there. */
  const early: Uint8Array[] = [];
  let out: BodyOut | undefined;
  let ended = false;
  let trailers: readonly Field[] = [];
  let broken: Error | undefined;
  let held = false;
  let released = false;
  const hold = (on: boolean) => {
    if (held === on) return;
    held = on;
    exchange.pauseBody(on);
  };
  const sink: BodySink = {
    data: (bytes) => {
      if (released) return;
      if (out === undefined) {
        early.push(bytes.slice());
        hold(true);
      } else if (!out.write(bytes)) hold(true);
    },
    end: (fields) => {
      ended = true;
      trailers = passedTrailers(fields);
      hold(false);
      out?.end(trailers);
    },
    cut: (why) => {
      broken = why;
      out?.fail(why);
    },
  };
  // A client that waits for 100 (Continue) is asked once the next hop asks (RFC 9110 10.1.1); one
  // that does not wait, or not for long, has sent its body by then.
  exchange.readBody(sink, true);
  return {
    length: exchange.length,
    pump: (to) => {
      out = to;
      for (const piece of early.splice(0)) to.write(piece);
      if (broken !== undefined) to.fail(broken);
      else if (ended) to.end(trailers);
      else {
        hold(false);
        exchange.askForBody();
      }
    },
    release: () => {
      released = true;
      early.length = 0;
      hold(false);
    },
  };
}

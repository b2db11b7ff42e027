/** A stored body on its way to a client, no faster than it takes it. */
import type { BodyTaker, Handling } from "./flow.ts";
import type { BodyReader } from "./store.ts";

/** Octets of a stored body that are read at once. */
const READ_BYTES = 256 * 1024;

export function sendStored(
  reader: BodyReader,
  at: number,
  length: number,
  sink: BodyTaker,
): Handling {
  let gone = false;
  let from = at;
  const until = at + length;
  let busy = false;
  let blocked = false;
  const next = () => {
    while (!busy && !blocked && !gone) {
      if (from === until) {
        busy = true;
        reader.close();
        sink.end([]);
        return;
      }
      busy = true;
      reader.read(from, Math.min(READ_BYTES, until - from), (error, bytes) => {
        busy = false;
        if (gone) return;
        if (error !== null || bytes === undefined || bytes.length === 0) {
          busy = true;
          reader.close();
          sink.failed(error ?? new Error("the stored body is shorter than its entry says"));
          return;
        }
        from += bytes.length;
        if (!sink.data(bytes)) blocked = true;
        if (!looping) next();
      });
    }
  };
  let looping = false;
  const loop = () => {
    looping = true;
    next();
    looping = false;
  };
  loop();
  return {
    resume: () => {
      blocked = false;
      if (!looping) loop();
    },
    abort: () => {
      gone = true;
      reader.close();
    },
  };
}

/** The whole body; undefined where it cannot be read. */
export function readAll(
  reader: BodyReader,
  length: number,
  done: (body: Uint8Array | undefined) => void,
): void {
  reader.read(0, length, (error, bytes) => {
    reader.close();
    done(error === null && bytes?.length === length ? bytes : undefined);
  });
}

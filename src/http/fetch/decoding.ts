/**
 * Content codings undone as the octets come, with no more in memory than the window of the coding:
 * the connection waits where the decoder is behind. RFC 9110 8.4.
 */
import type { Duplex } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { Decompress } from "fzstd";
import type { Field } from "../../codecs/http/message.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import { ExchangeError } from "../../engines/http/client-connection.ts";
import type { AgentSink } from "../../engines/http/fetch/agent.ts";
import type { Timing } from "../../engines/http/fetch/timing.ts";
import { joinedField, listMembers } from "../../engines/http/fields.ts";
import { isBodiless } from "../../engines/http/head.ts";

/** What `--compressed` asks for. */
export const ACCEPTED = "gzip, deflate, br, zstd";
/** Codings one over the other; each can blow the other up. */
const MAX_CODINGS = 5;
/** Octets that wait for a decoder before the connection is paused. */
const MAX_WAITING = 256 * 1024;

interface Decoder {
  write(bytes: Uint8Array): void;
  end(): void;
}

interface Out {
  data(bytes: Uint8Array): void;
  end(): void;
  fail(why: Error): void;
  /** Octets given and not yet decoded changed. */
  waiting(bytes: number): void;
}

/** A sink that gets bodies without their codings; one that is unknown is a fault, as no body can be had. */
export function decoding(sink: AgentSink, method: string): AgentSink {
  let decoder: Decoder | undefined;
  let pause: ((on: boolean) => void) | undefined;
  let ended: (() => void) | undefined;
  let timing: Timing | undefined;
  let generation = 0;
  /** A fault of the coding was told: what the connection has to say after it is nobody's business. */
  let over = false;
  const fault = (text: string) => {
    if (over || timing === undefined) return;
    over = true;
    generation++;
    pause?.(false);
    sink.failed(new ExchangeError("malformed", text, false, true), timing);
  };
  const begin = (head: IncomingHead): void => {
    const mine = ++generation;
    const codings = codingsOf(head);
    decoder = undefined;
    ended = undefined;
    if (codings.length === 0 || isBodiless(method, head.statusCode)) return;
    const live = () => mine === generation;
    const not = faultOf(codings);
    if (not !== undefined) {
      decoder = { write: () => fault(not), end: () => fault(not) };
      return;
    }
    decoder = chainOf(codings, {
      data: (bytes) => {
        if (live()) sink.data(bytes);
      },
      end: () => {
        if (live()) ended?.();
      },
      fail: (why) => {
        if (live()) fault(`the body is not ${codings.join(", ")}: ${why.message}`);
      },
      waiting: (bytes) => pause?.(bytes > MAX_WAITING),
    });
  };
  return {
    ...forwarded(sink),
    flow: (control) => {
      pause = control;
      sink.flow?.(control);
    },
    head: (head, at) => {
      if (over) return;
      timing = at;
      begin(head);
      sink.head(head, at);
    },
    data: (bytes) => {
      if (decoder === undefined) sink.data(bytes);
      else decoder.write(new Uint8Array(bytes));
    },
    end: (trailers: readonly Field[], at: Timing) => {
      if (decoder === undefined) {
        sink.end(trailers, at);
        return;
      }
      ended = () => sink.end(trailers, at);
      decoder.end();
    },
    failed: (why, at) => {
      if (over) return;
      generation++;
      sink.failed(why, at);
    },
  };
}

function forwarded(sink: AgentSink): Pick<AgentSink, "asked" | "hop" | "informed" | "sent"> {
  return {
    asked: (request, url) => sink.asked?.(request, url),
    hop: (hop) => sink.hop?.(hop),
    informed: (head) => sink.informed?.(head),
    sent: () => sink.sent?.(),
  };
}

function codingsOf(head: IncomingHead): string[] {
  const named = listMembers(joinedField(head.fields, "content-encoding"));
  const codings = named.map((name) => name.toLowerCase().replace(/^x-/, ""));
  return codings.filter((name) => name !== "identity");
}

function faultOf(codings: readonly string[]): string | undefined {
  const unknown = codings.find((name) => !["gzip", "deflate", "br", "zstd"].includes(name));
  if (unknown !== undefined) return `the content coding ${unknown} is unknown (RFC 9110 8.4)`;
  return codings.length > MAX_CODINGS ? `over ${MAX_CODINGS} content codings` : undefined;
}

/** RFC 9110 8.4: the coding applied last is undone first. */
function chainOf(codings: readonly string[], out: Out): Decoder {
  const waits = new Array<number>(codings.length).fill(0);
  let first: Decoder | undefined;
  for (const [i, coding] of codings.entries()) {
    const behind = first;
    const to: Out = {
      data: (bytes) => (behind === undefined ? out.data(bytes) : behind.write(bytes)),
      end: () => (behind === undefined ? out.end() : behind.end()),
      fail: (why) => out.fail(why),
      waiting: (bytes) => {
        waits[i] = bytes;
        out.waiting(Math.max(...waits));
      },
    };
    first = coding === "zstd" ? zstd(to) : zlib(coding, to);
  }
  return first as Decoder;
}

function zlib(coding: string, out: Out): Decoder {
  let stream: Duplex | undefined;
  let waiting = 0;
  let failed = false;
  const open = (first: Uint8Array): Duplex => {
    const made = streamOf(coding, first);
    made.on("data", (bytes: Buffer) => out.data(bytes));
    made.on("end", () => out.end());
    made.on("error", (error) => {
      if (failed) return;
      failed = true;
      out.fail(error);
    });
    return made;
  };
  return {
    write: (bytes) => {
      if (failed || bytes.length === 0) return;
      stream ??= open(bytes);
      waiting += bytes.length;
      out.waiting(waiting);
      stream.write(bytes, () => {
        waiting -= bytes.length;
        out.waiting(waiting);
      });
    },
    end: () => {
      if (failed) return;
      // An empty body with a coding is an empty body.
      if (stream === undefined) out.end();
      else stream.end();
    },
  };
}

function streamOf(coding: string, first: Uint8Array): Duplex {
  if (coding === "gzip") return createGunzip();
  if (coding === "br") return createBrotliDecompress();
  // RFC 9110 8.4.1.2: deflate is in the zlib format, but some servers leave that off.
  const [a = 0, b = 0] = first;
  const wrapped = (a & 0x0f) === 8 && (first.length < 2 || ((a << 8) | b) % 31 === 0);
  return wrapped ? createInflate() : createInflateRaw();
}

function zstd(out: Out): Decoder {
  let failed = false;
  let any = false;
  const decoder = new Decompress((bytes) => out.data(bytes));
  const guarded = (work: () => void): void => {
    if (failed) return;
    try {
      work();
    } catch (error) {
      failed = true;
      out.fail(error as Error);
    }
  };
  return {
    write: (bytes) => {
      any = true;
      guarded(() => decoder.push(bytes));
    },
    end: () =>
      guarded(() => {
        if (any) decoder.push(new Uint8Array(0), true);
        out.end();
      }),
  };
}

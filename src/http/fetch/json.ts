/** Results as JSON: times in milliseconds from the start of the set. */
import { placeOf } from "../../engines/dialing/place.ts";
import type { Attempt } from "../../engines/dialing/race.ts";
import type { Nanos } from "../../engines/host.ts";
import type { Hop } from "../../engines/http/fetch/agent.ts";
import { blockedTime } from "../../engines/http/fetch/timing.ts";
import type { Fetched, SetResult } from "./set.ts";

export function setJson(result: SetResult): object {
  const { name, warm, started, ended, objects, connections, rtt, formula, roundTrips } = result;
  return {
    strategy: name,
    warm,
    totalMs: millis(ended - started),
    ...(rtt === undefined ? {} : { rttMs: millis(rtt), rtts: round((ended - started) / rtt) }),
    course: { formula, roundTrips },
    connections,
    bytes: objects.reduce((sum, { timing }) => sum + timing.bodyBytes, 0),
    failed: objects.filter(({ error }) => error !== undefined).length,
    objects: objects.map((object) => objectJson(object, started)),
  };
}

function objectJson(
  { url, method, initiator, timing, head, error, hops }: Fetched,
  started: Nanos,
): object {
  const at = (time: Nanos) => millis(time - started);
  const { dns, connect, sent, head: headAt, end } = timing;
  return {
    url,
    method,
    ...(initiator === undefined ? {} : { initiator }),
    ...(head === undefined
      ? {}
      : {
          statusCode: head.statusCode,
          reasonPhrase: head.reasonPhrase,
          version: head.version,
          fields: head.fields,
        }),
    bodyBytes: timing.bodyBytes,
    headBytes: timing.headBytes,
    connection: timing.connection,
    ...(connect?.remote === undefined ? {} : { remote: placeOf(connect.remote) }),
    ...(connect?.attempts === undefined
      ? {}
      : { attempts: connect.attempts.map((one) => attemptJson(one, started)) }),
    requestOnConnection: timing.onConnection,
    requestsAhead: timing.ahead,
    tries: timing.tries,
    ...(timing.cached === undefined ? {} : { cache: timing.cached }),
    times: {
      queued: at(timing.queued),
      ...(dns === undefined ? {} : { dns: [at(dns.from), at(dns.to)] }),
      ...(connect === undefined
        ? {}
        : {
            connect: [at(connect.from), at(connect.tls ?? connect.to)],
            ...(connect.tls === undefined ? {} : { tls: [at(connect.tls), at(connect.to)] }),
          }),
      ...(sent === undefined ? {} : { sent: at(sent) }),
      ...(headAt === undefined ? {} : { head: at(headAt) }),
      ...(end === undefined ? {} : { end: at(end) }),
    },
    ...(blockedTime(timing) > 0 ? { blockedMs: millis(blockedTime(timing)) } : {}),
    ...(hops.length === 0 ? {} : { hops: hops.map((hop) => hopJson(hop, started)) }),
    ...(error === undefined ? {} : { error }),
  };
}

function attemptJson({ remote, from, to, why }: Attempt, started: Nanos): object {
  return {
    remote: placeOf(remote),
    fromMs: millis(from - started),
    ...(to === undefined ? {} : { toMs: millis(to - started) }),
    ...(why === undefined ? {} : { why }),
  };
}

function hopJson({ url, request, head, timing, why }: Hop, started: Nanos): object {
  return {
    url,
    method: request.method,
    why,
    statusCode: head.statusCode,
    fields: head.fields,
    ...(timing.end === undefined ? {} : { endMs: millis(timing.end - started) }),
  };
}

function millis(nanos: Nanos): number {
  return round(nanos / 1e6);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** A cache under test: the reverse proxy or a client's own, in a simulated world. */

import type { Host } from "../../../src/engines/host.ts";
import { MILLISECOND } from "../../../src/engines/host.ts";
import { Cache } from "../../../src/engines/http/cache/cache.ts";
import { MemoryStore } from "../../../src/engines/http/cache/memory-store.ts";
import { Fetcher } from "../../../src/engines/http/fetch/fetcher.ts";
import type { Origin } from "../../../src/engines/http/fetch/origin.ts";
import { HttpProxy } from "../../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { LiveHost } from "../../../src/net/live/host.ts";
import { World } from "../../../src/net/simulated/world.ts";
import type { Io } from "../../../src/net/task.ts";
import type { SuiteSpec } from "./description.ts";
import { TestOrigin } from "./origin.ts";
import type { ClientRequest, ClientResponse, Judged, Send } from "./run.ts";
import { runSuites } from "./run.ts";

const ORIGIN_ADDRESS = "192.0.2.80";
const PROXY_ADDRESS = "192.0.2.1";
const STORE_BYTES = 64 * 1024 * 1024;

function originAt(addr: string): Origin {
  return { scheme: "http", host: addr, port: 80 };
}

const lookup = (name: string, done: (error: null, looked: { addresses: string[] }) => void) =>
  done(null, { addresses: [name] });

function listening(host: Host, handle: ConstructorParameters<typeof HttpServer>[0]): void {
  new HttpServer(handle, { listen: [{ addr: host.addresses[0] as string, port: 80 }] }).start(host);
}

/** The public suite's `rev-proxy`: a shared cache before the origin. */
export async function sharedInWorld(suites: readonly SuiteSpec[]): Promise<Judged[]> {
  const world = new World({ seed: 1, delay: 1 * MILLISECOND });
  const origin = new TestOrigin();
  listening(world.node("origin", { addresses: [ORIGIN_ADDRESS] }), (exchange) =>
    origin.handle(exchange),
  );
  const node = world.node("proxy", { addresses: [PROXY_ADDRESS] });
  const cache = new Cache(node, {
    store: new MemoryStore(STORE_BYTES),
    targets: ["CDN-Cache-Control"],
  });
  const proxy = new HttpProxy(node, { origin: originAt(ORIGIN_ADDRESS), cache, lookup });
  listening(node, (exchange) => proxy.handle(exchange));
  const client = world.node("client", { addresses: ["198.51.100.1"] });
  const send = sendTo(client, world.tasks, originAt(PROXY_ADDRESS));
  return world.settle(runSuites(suites, { io: world.tasks, origin, send, browser: false }));
}

/** The same on this machine's loopback: takes as long as the pauses of the tests do. */
export async function sharedLive(suites: readonly SuiteSpec[]): Promise<Judged[]> {
  const [originHost, proxyHost, clientHost] = [new LiveHost(), new LiveHost(), new LiveHost()];
  const origin = new TestOrigin();
  const originPort = await listeningLive(originHost, (exchange) => origin.handle(exchange));
  const cache = new Cache(proxyHost, {
    store: new MemoryStore(STORE_BYTES),
    targets: ["CDN-Cache-Control"],
  });
  const proxy = new HttpProxy(proxyHost, {
    origin: { scheme: "http", host: "127.0.0.1", port: originPort },
    cache,
    lookup,
  });
  const port = await listeningLive(proxyHost, (exchange) => proxy.handle(exchange));
  const io: Io = {
    now: () => clientHost.clock.now(),
    sleep: (time) => new Promise((resolve) => setTimeout(resolve, time / MILLISECOND)),
    wait: (begin) => new Promise((resolve, reject) => begin(resolve, reject)),
  };
  const send = sendTo(clientHost, io, { scheme: "http", host: "127.0.0.1", port });
  try {
    return await runSuites(suites, { io, origin, send, browser: false });
  } finally {
    for (const host of [clientHost, proxyHost, originHost]) host.stop();
  }
}

function listeningLive(
  host: LiveHost,
  handle: ConstructorParameters<typeof HttpServer>[0],
): Promise<number> {
  return new Promise((resolve, reject) => {
    new HttpServer(handle, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => resolve(at?.port ?? 0),
      onListenError: reject,
    }).start(host);
  });
}

/** A client with a cache of its own, at the origin itself. */
export async function privateInWorld(suites: readonly SuiteSpec[]): Promise<Judged[]> {
  const world = new World({ seed: 1, delay: 1 * MILLISECOND });
  const origin = new TestOrigin();
  listening(world.node("origin", { addresses: [ORIGIN_ADDRESS] }), (exchange) =>
    origin.handle(exchange),
  );
  const client = world.node("client", { addresses: ["198.51.100.1"] });
  const cache = new Cache(client, { store: new MemoryStore(STORE_BYTES), shared: false });
  const send = sendCached(client, world.tasks, originAt(ORIGIN_ADDRESS), cache);
  return world.settle(runSuites(suites, { io: world.tasks, origin, send, browser: true }));
}

function fetcherOf(host: Host): Fetcher {
  return new Fetcher(host, {
    strategy: { connections: 500, keep: true, depth: 1 },
    lookup,
    tolerates: new Set(["http.transfer-encoding.unknown", "http.status.range"]),
  });
}

const bytesOf = (text: string | undefined) =>
  text === undefined ? undefined : new Uint8Array(Buffer.from(text));

export function sendTo(host: Host, io: Io, to: Origin): Send {
  const fetcher = fetcherOf(host);
  return (request) =>
    io.wait((done, fail) => {
      const got = collecting(done, fail);
      const { method, target, fields, body } = request;
      fetcher.fetch(
        { method, origin: to, target, fields: [hostField(to), ...fields], body: bytesOf(body) },
        {
          ...got,
          head: (head) => got.head(head),
          end: () => got.end(),
          failed: (why) => fail(why),
        },
      );
    });
}

function sendCached(host: Host, io: Io, to: Origin, cache: Cache): Send {
  const fetcher = fetcherOf(host);
  return (request: ClientRequest) =>
    io.wait((done, fail) => {
      const got = collecting(done, fail);
      const { method, target, body } = request;
      const fields = [hostField(to), ...request.fields];
      cache.handle(
        { method, key: `http://${to.host}${target}`, fields, body: bytesOf(body) },
        (asked, sink) => {
          const handle = fetcher.fetch(
            { ...asked, origin: to, target },
            {
              informed: (head) => sink.informed(head),
              head: (head) => sink.head(head),
              data: (bytes) => sink.data(bytes),
              end: (trailers) => sink.end(trailers),
              failed: (why) => sink.failed(why),
            },
          );
          return { pause: (on) => handle.pause(on), abort: () => handle.abort("aborted") };
        },
        {
          informed: got.informed,
          head: (head) => got.head(head),
          data: (bytes) => {
            got.data(bytes);
            return true;
          },
          end: () => got.end(),
          failed: fail,
        },
      );
    });
}

function hostField(to: Origin): { name: string; value: string } {
  return { name: "Host", value: to.port === 80 ? to.host : `${to.host}:${to.port}` };
}

function collecting(done: (response: ClientResponse) => void, fail: (error: Error) => void) {
  let head: { statusCode: number; fields: ClientResponse["fields"] } | undefined;
  const informed: { statusCode: number; fields: ClientResponse["fields"] }[] = [];
  let body = "";
  return {
    informed: (one: { statusCode: number; fields: ClientResponse["fields"] }) =>
      void informed.push(one),
    head: (one: { statusCode: number; fields: ClientResponse["fields"] }) => {
      head = one;
      body = "";
    },
    data: (bytes: Uint8Array) => {
      body += Buffer.from(bytes).toString("latin1");
    },
    end: () => {
      if (head === undefined) fail(new Error("no head"));
      else done({ ...head, body, informed });
    },
  };
}

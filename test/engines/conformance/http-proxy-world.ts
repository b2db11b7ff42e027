import { expect } from "vitest";
import type { Checked } from "../../../src/engines/conformance/http-proxy/check.ts";
import { ProxyCheck } from "../../../src/engines/conformance/http-proxy/check.ts";
import { ProbeOrigin } from "../../../src/engines/conformance/http-proxy/origin.ts";
import type { Rule } from "../../../src/engines/conformance/http-proxy/rule.ts";
import type { Host, TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { Cache } from "../../../src/engines/http/cache/cache.ts";
import { MemoryStore } from "../../../src/engines/http/cache/memory-store.ts";
import { HttpProxy } from "../../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { World } from "../../../src/net/simulated/world.ts";

export const PROXY = { addr: "192.0.2.1", port: 80 };
export const ORIGIN = { addr: "192.0.2.80", port: 80 };
export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
export const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** Rules against a proxy in a world of its own. */
export function check(
  boot: (host: Host) => void,
  rules: readonly Rule[],
  forward = false,
): Map<string, Checked> {
  const world = new World({ seed: 3, delay: MILLISECOND });
  boot(world.node("proxy", { addresses: [PROXY.addr] }));
  const origin = new ProbeOrigin(world.node("origin", { addresses: [ORIGIN.addr] }));
  origin.listen(ORIGIN, (error) => expect(error).toBeUndefined());
  world.run(SECOND);
  const results = new Map<string, Checked>();
  let done = false;
  new ProxyCheck(
    world.node("client", { addresses: ["198.51.100.1"] }),
    PROXY,
    { origin, host: ORIGIN.addr, forward },
    rules,
    (checked) => results.set(checked.rule.id, checked),
    () => {
      done = true;
    },
  ).start();
  world.run(3600 * SECOND);
  expect(done).toBe(true);
  return results;
}

/** Our own proxy with its cache. */
export const ours = (forward: boolean) => (host: Host) => {
  const proxy = new HttpProxy(host, {
    origin: forward ? undefined : { scheme: "http", host: ORIGIN.addr, port: 80 },
    cache: new Cache(host, { store: new MemoryStore(1024 * 1024) }),
    lookup: (name, done) => done(null, { addresses: [name] }),
  });
  new HttpServer((exchange) => proxy.handle(exchange), { listen: [PROXY] }).start(host);
};

/** A little proxy that copies octets, and what it changes of them. */
export interface Copying {
  /** Undefined: refused with 400. */
  request?(text: string): string | undefined;
  response?(text: string): string;
  /** The connection to the client ends as that to the origin does; false: it lives on. */
  ends?: boolean;
  /** The request is sent again when the origin closes without a word. */
  repeats?: boolean;
}

export function copying({ request, response, ends = true, repeats = false }: Copying) {
  return (host: Host) => {
    host.listen(
      () => {
        let upstream: TcpConnection | undefined;
        let tries = 0;
        const connect = (client: TcpConnection, text: string) => {
          let heard = 0;
          tries++;
          upstream = host.connect(
            {
              onOpen: (c) => c.write(bytesOf(text)),
              onData: (data) => {
                heard += data.length;
                client.write(bytesOf(response?.(textOf(data)) ?? textOf(data)));
              },
              onEnd: (c) => {
                c.end();
                if (repeats && heard === 0 && tries < 2) connect(client, text);
                else if (ends) client.end();
              },
              onClose: () => {},
            },
            { remote: ORIGIN },
          );
        };
        return {
          onData: (data, client) => {
            const came = textOf(data);
            const text = request === undefined ? came : request(came);
            if (text === undefined)
              client.write(bytesOf("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
            else if (upstream === undefined) connect(client, text);
            else upstream.write(bytesOf(text));
          },
          onEnd: (client) => client.end(),
          onClose: () => upstream?.reset(),
        };
      },
      { local: PROXY },
    );
  };
}

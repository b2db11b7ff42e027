import { mkdtempSync, readFileSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyChooser } from "../../src/http/fetch/proxies.ts";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";
import type { Running } from "../support/http/running.ts";
import { running } from "../support/http/running.ts";

let served: Served;
let proxy: HttpServer;
let proxyUrl: string;
const tunnels: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "netkit-ways-"));

const listening = (server: Server) =>
  new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );

beforeAll(async () => {
  served = await serve((request, response) => response.end(`direct ${request.url}`));
  // A forward proxy of node:http: absolute targets are answered, CONNECT is relayed.
  proxy = createServer((request, response) => {
    response.end(`proxied ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
  });
  proxy.on("connect", (request, client: Socket) => {
    tunnels.push(request.url ?? "");
    const up = connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(up).pipe(client);
    });
    for (const socket of [up, client]) socket.on("error", () => {});
  });
  proxyUrl = `http://127.0.0.1:${await listening(proxy)}`;
});
afterAll(() => {
  served.server.close();
  proxy.closeAllConnections();
  proxy.close();
});

const body = async (args: readonly string[], env: Record<string, string> = {}) => {
  const { stdout, stderr } = await fetchRun([...args, "-o", "-", "-s"], { env });
  return stdout + stderr;
};

describe("proxies", () => {
  it("RFC 9112 3.2.2: a proxy is asked with the whole URI, and told the user's name", async () => {
    expect(await body(["http://name.invalid/x?y", "-x", proxyUrl])).toBe(
      "proxied http://name.invalid/x?y -",
    );
    expect(await body(["http://name.invalid/", "-x", proxyUrl, "-U", "u:p"])).toBe(
      "proxied http://name.invalid/ Basic dTpw",
    );
  });

  describe("https:// proxies: TLS with the proxy, and in it what an http:// proxy gets", () => {
    const cert = "fixtures/tls/localhost.pem";
    let secure: string;
    let secureOrigin: string;
    let origin: Server;
    let own: Running;
    beforeAll(async () => {
      const pem = { cert: readFileSync(cert), key: readFileSync("fixtures/tls/localhost.key") };
      origin = createTlsServer(pem, (_request, response) => response.end("in two layers"));
      secureOrigin = `https://localhost:${await listening(origin)}/`;
      own = await running(
        ...["http", "proxy", "--forward", "--tunnel-port", "any"],
        ...["--listen-tls", "127.0.0.1:0", "--cert", cert, "--key", "fixtures/tls/localhost.key"],
      );
      secure = `https://localhost:${own.port}`;
    });
    afterAll(async () => {
      await own.kill();
      origin.close();
    });

    it("RFC 9112 3.2.2: the whole URI, over TLS", async () => {
      const trusted = ["-x", secure, "--proxy-cacert", cert, "--noproxy", ""];
      expect(await body([`${served.url}a`, ...trusted])).toBe("direct /a");
    });

    it("RFC 9110 9.3.6: CONNECT, and the server's TLS in the proxy's", async () => {
      const both = ["-x", secure, "--proxy-cacert", cert, "--cacert", cert, "--noproxy", ""];
      expect(await body([secureOrigin, ...both])).toBe("in two layers");
      expect(await body([secureOrigin, "-x", secure, "--proxy-insecure", "-k"])).toBe(
        "in two layers",
      );
    });

    it.each([
      ["http", () => served.url],
      ["https", () => secureOrigin],
    ])(
      "a proxy that is not trusted is told from a server that is not: %s",
      async (_scheme, url) => {
        expect(await body([url(), "-x", secure])).toBe(
          `netkit: ${url()}: the proxy: its certificate is signed by nobody we know (self-signed): --proxy-cacert names who signs, --proxy-insecure checks nothing\n`,
        );
      },
    );

    it("the server behind is still checked", async () => {
      expect(await body([secureOrigin, "-x", secure, "--proxy-insecure"])).toBe(
        `netkit: ${secureOrigin}: its certificate is signed by nobody we know (self-signed): --cacert names who signs, --insecure checks nothing\n`,
      );
    });

    it("a proxy without TLS", async () => {
      const plain = proxyUrl.replace("http:", "https:");
      expect(await body([served.url, "-x", plain])).toBe(
        `netkit: ${served.url}: the proxy: it does not speak TLS on this port\n`,
      );
    });
  });

  it("http_proxy counts but for no_proxy and this machine; HTTP_PROXY never", async () => {
    const env = { http_proxy: proxyUrl, no_proxy: "127.0.0.0/8, .local.test" };
    expect(await body(["http://name.invalid/"], env)).toBe("proxied http://name.invalid/ -");
    expect(await body([served.url], env)).toBe("direct /");
    const choose = (words: NodeJS.ProcessEnv, host: string, scheme: "http" | "https" = "http") =>
      proxyChooser({} as never, words)({ scheme, host, port: 80 })?.host;
    expect(choose({ HTTP_PROXY: "http://p" }, "a.test")).toBeUndefined();
    expect(choose({ HTTPS_PROXY: "http://p" }, "a.test", "https")).toBe("p");
    expect(choose({ all_proxy: "socks5h://q" }, "a.test")).toBe("q");
    const spared = { http_proxy: "p", no_proxy: "foo.com, .bar.com,10.0.0.0/8 [2001:db8::1]" };
    expect(
      [
        "foo.com",
        "www.foo.com",
        "afoo.com",
        "bar.com",
        "10.9.8.7",
        "11.0.0.1",
        "[2001:db8::1]",
      ].map((host) => choose(spared, host)),
    ).toEqual([undefined, undefined, "p", undefined, undefined, "p", undefined]);
  });

  it("CONNECT and TLS behind it, with the server's own certificate checked", async () => {
    const cert = "fixtures/tls/localhost.pem";
    const key = "fixtures/tls/localhost.key";
    const secure = createTlsServer(
      { cert: readFileSync(cert), key: readFileSync(key) },
      (request, response) => response.end(`secure ${request.headers.host?.split(":")[0]}`),
    );
    const port = await listening(secure);
    const url = `https://localhost:${port}/`;
    expect(await body([url, "-x", proxyUrl, "--cacert", cert])).toBe("secure localhost");
    expect(tunnels).toEqual([`localhost:${port}`]);
    secure.closeAllConnections();
    secure.close();
  });

  it("RFC 1928: socks5h hands the name to the proxy", async () => {
    const asked: string[] = [];
    const socks = createTcpServer((client) => {
      client.once("data", () => {
        client.write(Buffer.from([5, 0]));
        client.once("data", (request) => {
          asked.push(request.subarray(5, 5 + (request[4] ?? 0)).toString());
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          const up = connect(Number(new URL(served.url).port), "127.0.0.1");
          client.pipe(up).pipe(client);
          for (const socket of [up, client]) socket.on("error", () => {});
        });
      });
    });
    const port = await listening(socks);
    expect(await body(["http://name.invalid/z", "-x", `socks5h://127.0.0.1:${port}`])).toBe(
      "direct /z",
    );
    expect(asked).toEqual(["name.invalid"]);
    socks.close();
  });
});

describe("other ways", () => {
  it("--unix-socket: the URL says what, the path where", async () => {
    const path = join(folder, "s.sock");
    const server = createServer((request, response) =>
      response.end(`unix ${request.headers.host}`),
    );
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await body(["http://name.invalid/", "--unix-socket", path])).toBe("unix name.invalid");
    server.close();
  });

  it("--interface: an address of this machine to come from", async () => {
    const seen = createServer((request, response) => response.end(request.socket.remoteAddress));
    const port = await listening(seen);
    expect(await body([`http://127.0.0.1:${port}/`, "--interface", "127.0.0.9"])).toBe("127.0.0.9");
    expect(await body([`http://127.0.0.1:${port}/`, "--interface", "nope0"])).toBe(
      "netkit: --interface nope0: no interface of that name has an address\n",
    );
    seen.close();
  });
});

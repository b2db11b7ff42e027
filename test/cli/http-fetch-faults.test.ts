import { mkdtempSync, readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fetchRun } from "../support/http/fetch-run.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-faults-"));
const pair = (name: string) => ({
  certPath: `fixtures/tls/${name}.pem`,
  keyPath: `fixtures/tls/${name}.key`,
  cert: readFileSync(`fixtures/tls/${name}.pem`, "utf8"),
  key: readFileSync(`fixtures/tls/${name}.key`, "utf8"),
});
const good = pair("localhost");
const old = pair("expired");
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that answers every connection with these octets, and closes. */
const answering = (text: string) =>
  listening(
    createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(text, "latin1"));
    }),
  );

const tls = (options: object) =>
  listening(createTlsServer(options, (_q, response) => response.end("ok")));

describe("deviations that a user agent survives", () => {
  it.each([
    ["RFC 9112 5.2: an obs-fold is blanks", "200 OK\r\nX: a\r\n\t b", 200, "a b", 0],
    ["RFC 9110 15: a code beyond 599 counts as 5xx", "999 Denied", 999, undefined, 1],
    ["RFC 9112 4: no blank before no reason phrase", "200", 200, undefined, 0],
  ])("%s", async (_, head, status, value, exit) => {
    const port = await answering(`HTTP/1.1 ${head}\r\nContent-Length: 2\r\n\r\nok`);
    const { stdout, code } = await fetchRun([`http://127.0.0.1:${port}/`, "--json", "--fail"]);
    const [object] = (
      JSON.parse(stdout) as {
        objects: { statusCode: number; fields: { name: string; value: string }[] }[];
      }
    ).objects;
    const got = object?.fields.find(({ name }) => name === "X")?.value;
    expect([object?.statusCode, got, code]).toEqual([status, value, exit]);
  });
});

describe("times", () => {
  it("longer than Node's timers hold are no times at all", async () => {
    const port = await answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const long = ["--connect-timeout", "9999999", "--timeout", "9999999", "--max-time", "9999999"];
    const { code, stderr } = await fetchRun([`http://127.0.0.1:${port}/`, "-s", ...long]);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("what is given up before it is tried again took no time of its own", async () => {
    const port = await answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    const wait = ["--retry", "1", "--retry-delay", "100", "--max-time", "1"];
    const { code, stdout } = await fetchRun([`http://127.0.0.1:${port}/`, ...wait]);
    expect([code, stdout.split("\n")[0]]).toEqual([4, expect.stringMatching(/ERR +0\.00 ms/)]);
  });
});

describe("certificates and keys that flags name", () => {
  it.each([
    [["--cacert", "README.md"], "README.md: holds no certificate in PEM"],
    [["--cacert", good.keyPath], `${good.keyPath}: holds no certificate in PEM`],
    [["--cert", "README.md"], "README.md: holds no certificate in PEM"],
    [
      ["--cert", good.certPath, "--key", old.keyPath],
      `${old.keyPath}: not the key of ${good.certPath}`,
    ],
    [["--cert", good.certPath], `${good.certPath}: holds no key in PEM that can be used`],
  ])("%j are told before anything is sent", async (flags, why) => {
    const { code, stderr } = await fetchRun(["https://127.0.0.1:1/", ...flags]);
    expect([
      code,
      stderr.startsWith(`netkit: ${why}`),
      stderr.trimEnd().split("\n").length,
    ]).toEqual([3, true, 1]);
  });
});

/** The one line on stderr without its beginning, and the exit code. */
async function fault(url: string, ...args: string[]): Promise<[string, number | null]> {
  const { stderr, code } = await fetchRun([url, "-s", ...args]);
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]?.startsWith(`netkit: ${url}: `)).toBe(true);
  return [(lines[0] ?? "").slice(`netkit: ${url}: `.length), code];
}

describe("URLs", () => {
  it.each([
    ["ftp://x/", "the scheme ftp is not http or https"],
    ["http://x:99999/", "99999 is not a port"],
    ["http://[::1", "not a URL (RFC 3986 3.2)"],
    ["http://", "names no host"],
  ])("%s", async (url, why) => {
    expect(await fault(url)).toEqual([why, 2]);
  });

  it("--resolve with a port holds for that port only", async () => {
    const port = await answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const page = [`http://name.invalid:${port}/`, "-s", "-o", "-", "--dns", "@127.0.0.1:1"];
    const ours = await fetchRun([...page, "--resolve", `name.invalid:${port}:127.0.0.1`]);
    expect([ours.stdout, ours.stderr, ours.code]).toEqual(["ok", "", 0]);
    const other = await fetchRun([...page, "--resolve", `name.invalid:${port - 1}:127.0.0.1`]);
    expect([other.stdout, other.code]).toEqual(["", 4]);
    expect(other.stderr).toContain("name.invalid");
  });

  it("a name that nobody has", async () => {
    const ran = await fetchRun(["http://name.invalid/", "-s", "--dns", "@127.0.0.1:1"]);
    expect([ran.code, ran.stderr.split("\n").length]).toEqual([4, 2]);
  });
});

describe("TLS", () => {
  it("a certificate of unknown signature, of another name, out of date", async () => {
    const port = await tls(good);
    const expired = await tls(old);
    const unknown = await fault(`https://localhost:${port}/`);
    expect(unknown[0]).toMatch(
      /^its certificate is signed by nobody we know \(self-signed\): --cacert/,
    );
    const named = ["--resolve", "other.test:127.0.0.1", "--cacert", good.certPath];
    expect(await fault(`https://other.test:${port}/`, ...named)).toEqual([
      "its certificate is for localhost, IP Address:127.0.0.1, not for other.test",
      4,
    ]);
    expect(await fault(`https://localhost:${expired}/`, "--cacert", old.certPath)).toEqual([
      "its certificate has expired",
      4,
    ]);
    const unchecked = await fetchRun([`https://127.0.0.1:${port}/`, "-s", "-k", "-o", "-"]);
    expect([unchecked.stdout, unchecked.stderr]).toEqual(["ok", ""]);
  });

  it("a server without TLS, or with TLS of long ago", async () => {
    const plain = await answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await fault(`https://localhost:${plain}/`)).toEqual([
      "the server does not speak TLS on this port",
      4,
    ]);
    const weak = await tls({
      ...good,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL@SECLEVEL=0",
    });
    expect((await fault(`https://localhost:${weak}/`, "--cacert", good.certPath))[0]).toMatch(
      /versions of TLS/,
    );
  });

  it("a server that wants our certificate says so, and takes it", async () => {
    const port = await tls({ ...good, requestCert: true, rejectUnauthorized: true, ca: good.cert });
    const url = `https://localhost:${port}/`;
    expect(await fault(url, "--cacert", good.certPath)).toEqual([
      "the server wants a certificate of ours (--cert)",
      4,
    ]);
    const ours = ["--cacert", good.certPath, "--cert", good.certPath, "--key", good.keyPath];
    expect((await fetchRun([url, "-s", "-o", "-", ...ours])).stdout).toBe("ok");
  });
});

describe("answers", () => {
  it("a malformed one is told with its octet and section", async () => {
    const port = await answering("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc");
    expect(await fault(`http://127.0.0.1:${port}/`)).toEqual([
      "Content-Length is not a number (http.content-length.invalid at octet 33, RFC 9112 6.3)",
      3,
    ]);
  });

  it("a body that is cut tells how far it came", async () => {
    const port = await answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    const [why, code] = await fault(`http://127.0.0.1:${port}/`);
    expect([why.startsWith("the body was cut: 3 of 10 octets came"), code]).toEqual([true, 4]);
  });

  it("a body that stalls tells how far it came", async () => {
    const stalling = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
    });
    const url = `http://127.0.0.1:${await listening(stalling)}/`;
    expect(await fault(url, "--timeout", "0.3")).toEqual([
      "the body stalled: 3 of 10 octets came, and no more in time",
      4,
    ]);
  });

  it("wrong use is one line, whatever it holds", async () => {
    const url = "http://127.0.0.1:1/";
    const FRAMED =
      "netkit: --header: how the body is framed is not for headers to say (netkit send sends anything)\n";
    const faults = await Promise.all(
      [
        [url, "--range", "0-1\r\nX: y"],
        [url, "--header", "no colon"],
        [url, "--header", "Content-Length: 5"],
        [url, "--data", "x", "--header", "Transfer-Encoding: chunked"],
        ["http://exa mple/"],
        [url, "--split", "2"],
      ].map(async (args) => {
        // oclif warns of more where developers of commands are at work.
        const { code, stderr } = await fetchRun(args, { env: { NODE_ENV: "production" } });
        return [code, stderr];
      }),
    );
    expect(faults).toEqual([
      [2, "netkit: --range 0-1\\u000d\\u000aX: y: write it as 0-499, 500- or -500\n"],
      [2, `netkit: --header "no colon": write it as 'Name: value', on one line\n`],
      [2, FRAMED],
      [2, FRAMED],
      [2, "netkit: http://exa mple/: not a URL (RFC 3986 3.2)\n"],
      [
        2,
        "netkit: All of the following must be provided when using --split: --output; see --help\n",
      ],
    ]);
  });

  it("nobody listens, nobody answers, nobody is there in the file system", async () => {
    expect(await fault("http://127.0.0.1:1/")).toEqual([
      "nothing listens at 127.0.0.1:1 (connection refused)",
      4,
    ]);
    const silent = await listening(createServer((socket) => socket.on("error", () => {})));
    const url = `http://127.0.0.1:${silent}/`;
    expect(await fault(url, "--timeout", "0.3")).toEqual(["no answer in time", 4]);
    expect(await fault(`https://127.0.0.1:${silent}/`, "--connect-timeout", "0.3")).toEqual([
      `no TLS in time on the connection to 127.0.0.1:${silent}`,
      4,
    ]);
    expect((await fault(url, "--unix-socket", join(folder, "none")))[1]).toBe(4);
  });

  it("what a server writes cannot rewrite the terminal", async () => {
    const port = await answering(
      "HTTP/1.1 302 x\r\nLocation: ftp://\x1b[2J/\r\nContent-Length: 0\r\n\r\n",
    );
    const { stderr } = await fetchRun([`http://127.0.0.1:${port}/`, "-s", "-L"]);
    expect(stderr.includes("\x1b")).toBe(false);
  });
});

describe("--verbose", () => {
  it("shows the head as it goes out", async () => {
    let got = "";
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        got += bytes.toString("latin1");
        if (got.endsWith("a=b"))
          socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      });
    });
    const url = `http://127.0.0.1:${await listening(server)}/`;
    const { stderr } = await fetchRun([url, "-s", "-v", "--serial", "-d", "a=b"]);
    const shown = stderr.split("\n\n")[0]?.replaceAll(/^> /gm, "").replaceAll("\n", "\r\n");
    expect(`${shown}\r\n\r\na=b`).toBe(got);
    expect(got).toMatch(/Connection: close\r\nContent-Length: 3\r\n\r\n/);
  });
});

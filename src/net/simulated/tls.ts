/**
 * TLS of the simulated world: one round trip of hellos before the stream, which then goes on in the
 * clear. Names, authorities, pins and application protocols are checked; nothing is encrypted.
 */
import { createHash } from "node:crypto";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { TlsClient, TlsServer } from "../../engines/host.ts";
import { netError } from "../net-error.ts";
import type { SimTcp } from "./tcp/connection.ts";

interface Hello {
  readonly sni?: string | undefined;
  readonly alpn?: readonly string[] | undefined;
  readonly cert?: string;
  readonly finished?: true;
}

/** As a TLS record of application data: type 23, version 1.2, length (RFC 8446 5.2). */
function record(hello: Hello): Uint8Array {
  const body = latin1Bytes(JSON.stringify(hello));
  return Uint8Array.of(23, 3, 3, body.length >> 8, body.length & 255, ...body);
}

export class SimTls {
  done = false;
  private readonly connection: SimTcp;
  private readonly client: TlsClient | undefined;
  private readonly serverSide: TlsServer | undefined;
  private readonly opened: () => void;
  private kept: Uint8Array = new Uint8Array(0);

  private constructor(
    connection: SimTcp,
    client: TlsClient | undefined,
    server: TlsServer | undefined,
    opened: () => void,
  ) {
    this.connection = connection;
    this.client = client;
    this.serverSide = server;
    this.opened = opened;
  }

  static client(connection: SimTcp, options: TlsClient, opened: () => void): SimTls {
    return new SimTls(connection, options, undefined, opened);
  }

  static server(connection: SimTcp, options: TlsServer, opened: () => void): SimTls {
    return new SimTls(connection, undefined, options, opened);
  }

  /** The client's hello, once the connection is open. */
  start(): void {
    this.connection.handler.onConnected?.(this.connection);
    this.connection.write(record({ sni: this.client?.name, alpn: this.client?.alpn }));
  }

  data(bytes: Uint8Array): void {
    const all = new Uint8Array(this.kept.length + bytes.length);
    all.set(this.kept);
    all.set(bytes, this.kept.length);
    this.kept = all;
    if (all.length < 5) return;
    if (all[0] !== 23 || all[1] !== 3) {
      this.fail("EPROTO", "the peer speaks no TLS");
      return;
    }
    const end = 5 + (((all[3] as number) << 8) | (all[4] as number));
    if (all.length < end) return;
    this.kept = new Uint8Array(0);
    const rest = all.slice(end);
    const hello = parse(all, end);
    if (hello === undefined) {
      this.fail("EPROTO", "the peer speaks no TLS");
      return;
    }
    this.connection.giveBack(rest);
    if (this.client !== undefined) this.serverHello(this.client, hello);
    else this.clientHello(hello);
  }

  private clientHello(hello: Hello): void {
    if (hello.finished === true) {
      this.finish();
      return;
    }
    const { cert = "", alpn } = this.serverSide ?? {};
    const chosen = alpn?.find((name) => hello.alpn?.includes(name));
    this.connection.write(record({ cert, ...(chosen === undefined ? {} : { alpn: [chosen] }) }));
  }

  private serverHello(client: TlsClient, hello: Hello): void {
    const cert = hello.cert ?? "";
    const wrong = fault(client, cert);
    if (wrong !== undefined) {
      this.fail("ERR_TLS_CERT", wrong);
      return;
    }
    this.connection.write(record({ finished: true }));
    this.finish();
  }

  private finish(): void {
    this.done = true;
    this.opened();
  }

  private fail(code: string, message: string): void {
    const { connection } = this;
    const error = Object.assign(netError(code, "tls", connection.remote), { message });
    connection.resetWith("refused", error);
  }
}

function parse(bytes: Uint8Array, end: number): Hello | undefined {
  try {
    return JSON.parse(latin1(bytes, 5, end)) as Hello;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Certificates here are any text; one that is signed by an authority contains the authority's text. */
function fault(client: TlsClient, cert: string): string | undefined {
  if (client.pins !== undefined && client.pins.length > 0) {
    const pin = createHash("sha256").update(cert).digest("base64");
    return client.pins.includes(pin) ? undefined : `the key of the peer has the pin ${pin}`;
  }
  if (client.verify === false) return undefined;
  if (client.ca === undefined || !cert.includes(client.ca))
    return "the certificate is signed by nobody that is trusted";
  return undefined;
}

/** The client's side of SOCKS5, up to the stream. RFC 1928, with names and passwords of RFC 1929. */
import { latin1Bytes, utf8Bytes } from "../../../codecs/writer.ts";
import type { CloseCause, NetError, TcpConnection, TcpHandler } from "../../host.ts";

export interface SocksTarget {
  /** An address, or a name for the proxy to look up. */
  readonly host: string;
  readonly port: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** RFC 1928 6. */
const REPLIES: readonly string[] = [
  "succeeded",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "time to live expired",
  "command not supported",
  "address type not supported",
];

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;

export class SocksFault extends Error {}

type Step = "method" | "password" | "reply";

export class SocksHandshake implements TcpHandler {
  private readonly target: SocksTarget;
  private readonly opened: (connection: TcpConnection, left: Uint8Array) => void;
  private readonly failed: (why: Error, cause: CloseCause) => void;
  private step: Step = "method";
  private kept: Uint8Array = new Uint8Array(0);
  private over = false;

  constructor(
    target: SocksTarget,
    opened: (connection: TcpConnection, left: Uint8Array) => void,
    failed: (why: Error, cause: CloseCause) => void,
  ) {
    this.target = target;
    this.opened = opened;
    this.failed = failed;
  }

  onOpen(connection: TcpConnection): void {
    const methods = this.target.user === undefined ? [NO_AUTHENTICATION] : [PASSWORD, 0];
    connection.write(Uint8Array.of(VERSION, methods.length, ...methods));
  }

  onData(data: Uint8Array, connection: TcpConnection): void {
    const all = new Uint8Array(this.kept.length + data.length);
    all.set(this.kept);
    all.set(data, this.kept.length);
    this.kept = all;
    try {
      while (!this.over && this.take(connection));
    } catch (error) {
      if (!(error instanceof SocksFault)) throw error;
      this.over = true;
      connection.reset();
      this.failed(error, "refused");
    }
  }

  onClose(cause: CloseCause, error: NetError | null): void {
    if (this.over) return;
    this.over = true;
    this.failed(error ?? new SocksFault("the proxy closed"), cause);
  }

  onEnd(connection: TcpConnection): void {
    connection.end();
  }

  /** One message of the proxy; false when there is none yet. */
  private take(connection: TcpConnection): boolean {
    switch (this.step) {
      case "method":
        return this.method(connection);
      case "password":
        return this.password(connection);
      case "reply":
        return this.reply(connection);
    }
  }

  private eat(length: number): Uint8Array | undefined {
    if (this.kept.length < length) return undefined;
    const bytes = this.kept.slice(0, length);
    this.kept = this.kept.slice(length);
    return bytes;
  }

  private method(connection: TcpConnection): boolean {
    const bytes = this.eat(2);
    if (bytes === undefined) return false;
    const [version, method] = bytes;
    if (version !== VERSION) throw new SocksFault("the proxy does not speak SOCKS5 (RFC 1928 3)");
    const { user, password = "" } = this.target;
    if (method === NONE_ACCEPTABLE) {
      throw new SocksFault(
        user === undefined
          ? "the proxy wants a name and a password"
          : "the proxy takes no name and password",
      );
    }
    if (method === NO_AUTHENTICATION) {
      this.request(connection);
      return true;
    }
    if (method !== PASSWORD || user === undefined) {
      throw new SocksFault(`the proxy chose method ${method}, which was not offered (RFC 1928 3)`);
    }
    const name = utf8Bytes(user);
    const secret = utf8Bytes(password);
    // RFC 1929 2: one octet of length each.
    if (name.length === 0 || name.length > 255 || secret.length > 255) {
      throw new SocksFault("a name or password of SOCKS5 has 1 to 255 octets (RFC 1929 2)");
    }
    connection.write(Uint8Array.of(1, name.length, ...name, secret.length, ...secret));
    this.step = "password";
    return true;
  }

  private password(connection: TcpConnection): boolean {
    const bytes = this.eat(2);
    if (bytes === undefined) return false;
    if (bytes[1] !== 0) throw new SocksFault("the proxy refused the name and password");
    this.request(connection);
    return true;
  }

  /** RFC 1928 4: CONNECT to an IPv4 (1) or IPv6 address (4), or a name (3). */
  private request(connection: TcpConnection): void {
    const { host, port } = this.target;
    const address = addressBytes(host);
    if (address === undefined && host.length > 255) {
      throw new SocksFault("a name of SOCKS5 has at most 255 octets (RFC 1928 5)");
    }
    const where =
      address === undefined
        ? [3, host.length, ...latin1Bytes(host)]
        : [address.length === 4 ? 1 : 4, ...address];
    connection.write(Uint8Array.of(VERSION, 1, 0, ...where, port >> 8, port & 255));
    this.step = "reply";
  }

  private reply(connection: TcpConnection): boolean {
    const { kept } = this;
    if (kept.length < 5) return false;
    const [version, code = 0, , type] = kept;
    if (version !== VERSION) throw new SocksFault("the proxy does not speak SOCKS5 (RFC 1928 6)");
    if (code !== 0) {
      throw new SocksFault(`the proxy answered: ${REPLIES[code] ?? `reply ${code}`}`);
    }
    const length = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + (kept[4] as number) : 0;
    if (length === 0) throw new SocksFault(`the proxy sent address type ${type} (RFC 1928 6)`);
    if (this.eat(4 + length + 2) === undefined) return false;
    this.over = true;
    this.opened(connection, this.kept);
    return false;
  }
}

/** Of an address as text, or undefined for a name. */
function addressBytes(host: string): number[] | undefined {
  if (/^[0-9]+(?:\.[0-9]+){3}$/.test(host)) return host.split(".").map(Number);
  if (!host.includes(":")) return undefined;
  const text = host.replace(/[0-9]+(?:\.[0-9]+){3}$/, (v4) => {
    const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const first = groups(head);
  const last = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const all = [...first, ...new Array<string>(Math.max(0, zeros)).fill("0"), ...last];
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

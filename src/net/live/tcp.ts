/** TCP and TLS over node:net and node:tls. */
import { createHash, X509Certificate } from "node:crypto";
import type { Server, Socket } from "node:net";
import { connect as connectTcp, createServer, isIP } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import {
  checkServerIdentity,
  connect as connectTls,
  createServer as createTlsServer,
} from "node:tls";
import type {
  CloseCause,
  ConnectOptions,
  Endpoint,
  ListenOptions,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  TcpListener,
  TlsClient,
} from "../../engines/host.ts";
import { HIGH_WATER, MILLISECOND, SECOND } from "../../engines/host.ts";
import { netError } from "../net-error.ts";
import { MAX_TIMEOUT_MS } from "./clock.ts";

const HANDSHAKE_TIME = 10 * SECOND;
const NOWHERE: Endpoint = { addr: "0.0.0.0", port: 0 };

function causeOf(code: string): CloseCause {
  switch (code) {
    case "ECONNREFUSED":
      return "refused";
    case "ETIMEDOUT":
      return "timeout";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return "unreachable";
    default:
      return "reset";
  }
}

export class LiveTcp implements TcpConnection {
  local: Endpoint = NOWHERE;
  remote: Endpoint;
  handler: TcpHandler;
  private socket: Socket;
  private readonly highWater: number;
  private readonly onClosed: (connection: LiveTcp) => void;
  private cause: CloseCause = "ended";
  private error: NetError | null = null;
  private closed = false;
  private full = false;
  private corked = false;
  private paused = false;
  private endHeld = false;
  private timer: NodeJS.Timeout | undefined;
  private onData: (data: Buffer) => void = () => {};

  constructor(
    socket: Socket,
    handler: TcpHandler,
    remote: Endpoint,
    highWater: number,
    onClosed: (connection: LiveTcp) => void,
  ) {
    this.socket = socket;
    this.handler = handler;
    this.remote = remote;
    this.highWater = highWater;
    this.onClosed = onClosed;
    this.wire(socket);
  }

  private wire(socket: Socket): void {
    this.onData = (data: Buffer) => this.handler.onData(data, this);
    socket.on("data", this.onData);
    socket.on("end", () => {
      if (this.socket === socket) this.peerEnded();
    });
    socket.on("drain", () => {
      if (!this.full || this.socket !== socket) return;
      this.full = false;
      this.handler.onDrain?.(this);
    });
    socket.on("timeout", () => {
      this.cause = "idle";
      this.socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? "EPROTO";
      if (this.error !== null || this.cause === "local" || this.cause === "idle") return;
      this.cause = causeOf(code);
      this.error = Object.assign(netError(code, error.syscall ?? "tls", this.remote), {
        message: error.message,
      });
    });
    socket.on("close", () => {
      if (this.closed || this.socket !== socket) return;
      this.closed = true;
      clearTimeout(this.timer);
      this.onClosed(this);
      this.handler.onClose(this.cause, this.error, this);
    });
  }

  /** Node tells of the end though reading is paused; who paused has not done with what came before. */
  private peerEnded(): void {
    this.endHeld = this.paused;
    if (!this.paused && this.cause !== "local") this.handler.onEnd?.(this);
  }

  /** The socket has its addresses. */
  opened(): void {
    const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
    clearTimeout(this.timer);
    this.local = { addr: localAddress ?? NOWHERE.addr, port: localPort ?? 0 };
    if (remoteAddress !== undefined) this.remote = { addr: remoteAddress, port: remotePort ?? 0 };
  }

  secure(tls: TlsClient): void {
    const plain = this.socket;
    // The TLS socket takes over its octets; the faults of both are told. The one below may have TLS
    // of its own, whose own listeners have to stay.
    plain.removeListener("data", this.onData);
    const secured = connectTls({ socket: plain, ...tlsOptions(tls) });
    this.socket = secured;
    this.wire(secured);
    this.handler.onConnected?.(this);
    onceSecure(this, secured, tls);
  }

  /** Gives up unless `opened` comes first. */
  openWithin(timeout: Nanos): void {
    this.timer = setTimeout(
      () => this.fail("timeout", "ETIMEDOUT", this.socket.connecting ? "connect" : "tls"),
      Math.min(timeout / MILLISECOND, MAX_TIMEOUT_MS),
    );
  }

  fail(cause: CloseCause, code: string, syscall: string, message?: string): void {
    this.cause = cause;
    this.error = netError(code, syscall, this.remote);
    if (message !== undefined) this.error.message = message;
    this.socket.destroy();
  }

  get buffered(): number {
    return this.socket.writableLength;
  }

  write(data: Uint8Array, more = false): boolean {
    if (this.socket.destroyed || this.socket.writableEnded) return false;
    if (more && !this.corked) this.socket.cork();
    this.socket.write(data);
    if (!more && this.corked) this.socket.uncork();
    this.corked = more;
    const ok = this.socket.writableLength <= this.highWater;
    if (!ok) this.full = true;
    return ok;
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    if (this.closed) return;
    this.cause = "local";
    const { socket } = this;
    // libuv refuses to reset what is shutting down (EINVAL), and the loop then never rests.
    // What is not connected yet it would reset only once it is: up to minutes later.
    const mayReset =
      typeof socket.resetAndDestroy === "function" && !socket.writableEnded && !socket.connecting;
    if (mayReset && !("encrypted" in socket)) socket.resetAndDestroy();
    else socket.destroy();
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
    if (!this.endHeld) return;
    this.endHeld = false;
    process.nextTick(() => {
      if (!this.closed) this.peerEnded();
    });
  }

  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }

  setIdleTimeout(idle: Nanos): void {
    this.socket.setTimeout(Math.min(idle / MILLISECOND, MAX_TIMEOUT_MS));
  }
}

export function liveConnect(
  handler: TcpHandler,
  options: ConnectOptions,
  onClosed: (connection: LiveTcp) => void,
): LiveTcp {
  const { remote, local, tls } = options;
  const where = {
    // A path is a socket of the file system.
    ...(remote.addr.startsWith("/")
      ? { path: remote.addr }
      : { host: remote.addr, port: remote.port }),
    allowHalfOpen: true,
    noDelay: true,
    ...(local?.addr === undefined ? {} : { localAddress: local.addr }),
    ...(local?.port === undefined ? {} : { localPort: local.port }),
  };
  // The name is checked below, after the chain: a pin may stand in for both (RFC 7858 4.2).
  const socket: Socket =
    tls === undefined
      ? connectTcp(where)
      : connectTls({
          ...where,
          ...tlsOptions(tls),
        });
  const connection = new LiveTcp(
    socket,
    handler,
    remote,
    options.highWater ?? HIGH_WATER,
    onClosed,
  );
  if (options.timeout !== undefined) connection.openWithin(options.timeout);
  if (tls !== undefined) {
    socket.once("connect", () => connection.handler.onConnected?.(connection));
  }
  if (tls !== undefined) onceSecure(connection, socket, tls);
  else {
    socket.once("connect", () => {
      connection.opened();
      connection.handler.onOpen?.(connection);
    });
  }
  return connection;
}

function onceSecure(connection: LiveTcp, socket: Socket, tls: TlsClient): void {
  socket.once("secureConnect", () => {
    const wrong = pinFault(socket as TLSSocket, tls);
    if (wrong !== undefined) {
      connection.fail("refused", "ERR_TLS_PIN", "tls", wrong);
      return;
    }
    connection.opened();
    connection.handler.onOpen?.(connection);
  });
}

function tlsOptions(tls: TlsClient): ConnectionOptions {
  return {
    // RFC 6066 3: SNI names no addresses; the certificate is checked for them all the same.
    ...(tls.name === undefined || isIP(tls.name) !== 0 ? {} : { servername: tls.name }),
    ...(tls.name === undefined
      ? {}
      : { checkServerIdentity: (_host, peer) => checkServerIdentity(tls.name as string, peer) }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
    rejectUnauthorized: tls.verify !== false && (tls.pins?.length ?? 0) === 0,
  };
}

/** RFC 7858 4.2: SHA-256 of the SubjectPublicKeyInfo. */
function pinFault(socket: TLSSocket, tls: TlsClient): string | undefined {
  if (tls.pins === undefined || tls.pins.length === 0) return undefined;
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return "the peer has no certificate";
  const spki = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  const pin = createHash("sha256").update(spki).digest("base64");
  return tls.pins.includes(pin) ? undefined : `the key of the peer has the pin ${pin}`;
}

export class LiveListener implements TcpListener {
  local: Endpoint = NOWHERE;
  open = 0;
  private readonly server: Server;
  private paused = false;

  constructor(
    accept: (connection: TcpConnection) => TcpHandler,
    options: ListenOptions,
    track: (connection: LiveTcp) => void,
    untrack: (connection: LiveTcp) => void,
  ) {
    const settle = (socket: Socket) => {
      if (this.paused) {
        socket.destroy();
        return;
      }
      this.open++;
      const remote = { addr: socket.remoteAddress ?? NOWHERE.addr, port: socket.remotePort ?? 0 };
      const connection = new LiveTcp(
        socket,
        SILENT,
        remote,
        options.highWater ?? HIGH_WATER,
        (c) => {
          this.open--;
          untrack(c);
        },
      );
      connection.opened();
      track(connection);
      connection.handler = accept(connection);
      connection.handler.onOpen?.(connection);
    };
    const { tls, local } = options;
    this.server =
      tls === undefined
        ? createServer({ allowHalfOpen: true, noDelay: true }, settle)
        : createTlsServer(
            {
              cert: tls.cert,
              key: tls.key,
              allowHalfOpen: true,
              handshakeTimeout: (tls.handshakeTime ?? HANDSHAKE_TIME) / MILLISECOND,
              ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
            } as Parameters<typeof createTlsServer>[0],
            settle,
          );
    // A client that breaks the handshake, or is too slow for it, has no connection yet: there is
    // nobody to tell, and nobody else who closes its socket.
    this.server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
    this.server.on("error", (error: NodeJS.ErrnoException) => {
      const at = { addr: local.addr ?? NOWHERE.addr, port: local.port ?? 0 };
      options.onListenError?.(netError(error.code ?? "EIO", error.syscall ?? "listen", at));
    });
    this.server.listen(
      { port: local.port ?? 0, host: local.addr, backlog: options.backlog ?? 511 },
      () => {
        const address = this.server.address();
        if (address !== null && typeof address === "object")
          this.local = { addr: address.address, port: address.port };
        options.onListening?.(this);
      },
    );
  }

  pauseAccept(on: boolean): void {
    this.paused = on;
  }

  close(): void {
    this.server.close();
  }
}

const SILENT: TcpHandler = { onData() {}, onClose() {} };

/**
 * What an engine may touch of the world: a clock, random numbers and a network. `src/net` implements
 * it live, simulated and replayed; engines are written once and own none of it.
 *
 * Bytes given to a handler are lent until it returns. Bytes given to `send` and `write` are never
 * changed again by either side. Faults of the network arrive as callbacks; faults of use throw.
 */

/** Integer nanoseconds, since the world began. */
export type Nanos = number;

export const MICROSECOND = 1_000;
export const MILLISECOND = 1_000_000;
export const SECOND = 1_000_000_000;

export interface Endpoint {
  readonly addr: string;
  readonly port: number;
}

/** One slot: arming it again moves it. A time that has passed fires next; undefined disarms. */
export interface Timer {
  armAt(at: Nanos | undefined): void;
  readonly armed: boolean;
}

export interface Clock {
  now(): Nanos;
  /** Milliseconds since 1970, as the host believes. */
  wallMs(): number;
  timer(fire: (arg: number) => void, arg?: number): Timer;
  /** Runs `f` at this instant, after what is running now. */
  defer(f: () => void): void;
}

export interface Random {
  u32(): number;
  /** An integer from 0 to n - 1. */
  below(n: number): number;
  /** From 0 up to, not including, 1. */
  unit(): number;
  bytes(out: Uint8Array): void;
  /** A stream of its own, which draws from this one do not move. */
  fork(label: string): Random;
}

export interface NetError extends Error {
  /** As Node names it, e.g. `ECONNREFUSED`. */
  readonly code: string;
  readonly syscall: string;
  readonly remote?: Endpoint | undefined;
}

export type CloseCause =
  | "ended"
  | "refused"
  | "reset"
  | "timeout"
  | "idle"
  | "unreachable"
  | "local";

export interface UdpHandler {
  onDatagram(data: Uint8Array, addr: string, port: number, socket: UdpSocket): void;
  /** `socket.local` is valid from now on. */
  onBound?(socket: UdpSocket): void;
  /** It could not be bound, or (connected) the peer's port is closed. */
  onUdpError?(error: NetError, socket: UdpSocket): void;
}

export interface UdpSocket {
  readonly local: Endpoint;
  /** False when the datagram was dropped at once, as one to port 0 is. @throws RangeError above 65507 octets */
  send(data: Uint8Array, addr: string, port: number): boolean;
  close(): void;
}

export interface TcpHandler {
  /** Of a connection with TLS: TCP is open, and TLS begins. */
  onConnected?(connection: TcpConnection): void;
  onOpen?(connection: TcpConnection): void;
  onData(data: Uint8Array, connection: TcpConnection): void;
  /** The peer will send no more; we still may. */
  onEnd?(connection: TcpConnection): void;
  onDrain?(connection: TcpConnection): void;
  /** Once, last, never inside the call that caused it. */
  onClose(cause: CloseCause, error: NetError | null, connection: TcpConnection): void;
}

export interface TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Octets written and not yet taken by the network. */
  readonly buffered: number;
  handler: TcpHandler;
  /** Always taken. False: stop until `onDrain`. `more`: what follows at once may share a segment. */
  write(data: Uint8Array, more?: boolean): boolean;
  /** FIN after what is buffered. */
  end(): void;
  reset(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  /** TLS begins on an open connection: `onOpen` is called again once it is there. */
  secure(tls: TlsClient): void;
  /** Closes with `idle` when nothing came or went for so long. */
  setIdleTimeout(idle: Nanos): void;
}

export interface TcpListener {
  readonly local: Endpoint;
  /** Connections that it accepted and that are not closed. */
  readonly open: number;
  pauseAccept(on: boolean): void;
  close(): void;
}

/** Certificate and key in PEM. */
export interface TlsServer {
  readonly cert: string;
  readonly key: string;
  readonly alpn?: readonly string[];
  /** A client that takes longer is let go. @default 10 s */
  readonly handshakeTime?: Nanos;
}

export interface TlsClient {
  /** The name that the certificate must be for, and that is sent as SNI. */
  readonly name?: string | undefined;
  /** Whose signatures count, in PEM; without it those that the system trusts. */
  readonly ca?: string | undefined;
  /** Base64 SHA-256 of the SubjectPublicKeyInfo, any of which must be the peer's (RFC 7858 4.2). */
  readonly pins?: readonly string[] | undefined;
  /** False: opportunistic, nothing is checked (RFC 7858 4.1). */
  readonly verify?: boolean | undefined;
  readonly alpn?: readonly string[] | undefined;
  /** Our own certificate and its key, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface UdpOptions {
  readonly local?: Partial<Endpoint>;
  /** Only this peer is heard, and its closed port is told. */
  readonly connect?: Endpoint;
  readonly reusePort?: boolean;
}

export interface ListenOptions {
  readonly local: Partial<Endpoint>;
  readonly backlog?: number;
  readonly highWater?: number;
  readonly tls?: TlsServer;
  onListening?(listener: TcpListener): void;
  onListenError?(error: NetError): void;
}

export interface ConnectOptions {
  readonly remote: Endpoint;
  readonly local?: Partial<Endpoint>;
  readonly timeout?: Nanos;
  readonly highWater?: number;
  readonly tls?: TlsClient | undefined;
}

/** An open file. Calls of one file are carried out in their order. */
export interface DiskFile {
  /** Fewer octets than `length` only at the end of the file. */
  read(at: number, length: number, done: DiskDone<Uint8Array>): void;
  write(at: number, data: Uint8Array, done: DiskDone): void;
  /** What was written before survives a crash from `done` on. */
  sync(done: DiskDone): void;
  size(done: DiskDone<number>): void;
  truncate(length: number, done: DiskDone): void;
  close(): void;
}

/** `error`: what failed, with the code that Node gives (`ENOENT`, `ENOSPC` ...); then no value. */
export type DiskDone<T = void> = (error: DiskError | null, value?: T) => void;

export interface DiskError extends Error {
  readonly code: string;
  readonly path: string;
}

export interface FileStat {
  readonly kind: "file" | "folder" | "other";
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Absolute, with every symbolic link on the way followed. */
  readonly realPath: string;
}

/** Paths are relative to the host's own folder or absolute; `done` is never called inside the call. */
export interface Disk {
  /** `create`: made when absent. */
  open(path: string, mode: "read" | "write" | "create", done: DiskDone<DiskFile>): void;
  stat(path: string, done: DiskDone<FileStat>): void;
  /** Replaces `to` in one step. */
  rename(from: string, to: string, done: DiskDone): void;
  remove(path: string, done: DiskDone): void;
  /** Names in a folder, sorted. */
  list(folder: string, done: DiskDone<readonly string[]>): void;
  /** Makes a folder and those above it. */
  makeFolder(path: string, done: DiskDone): void;
  /** A folder for one alone, until the program ends. EBUSY, with a message that says who has it. */
  lock(folder: string, done: DiskDone): void;
}

/** Work that would keep the loop busy: live on another thread, simulated with a set cost. */
export type OffloadJob =
  | { readonly kind: "sha1" | "sha256"; readonly data: Uint8Array }
  | {
      readonly kind: "gzip" | "gunzip" | "deflate" | "inflate" | "brotli";
      readonly data: Uint8Array;
    };

/** A program on a node. */
export interface Engine {
  start(host: Host): void;
  /** `graceful`: what is in flight is finished first. `done` once nothing is open. */
  stop(graceful: boolean, done: () => void): void;
}

export interface Host {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly addresses: readonly string[];
  udp(handler: UdpHandler, options?: UdpOptions): UdpSocket;
  listen(accept: (connection: TcpConnection) => TcpHandler, options: ListenOptions): TcpListener;
  connect(handler: TcpHandler, options: ConnectOptions): TcpConnection;
  readonly disk: Disk;
  /** `done` is never called inside the call. */
  offload(job: OffloadJob, done: (error: Error | null, result?: Uint8Array) => void): void;
  /** Told to the digest of a simulated world; nothing where nobody listens. */
  trace(kind: string, a?: number, b?: number, note?: string): void;
}

/** `write` answers false above it. */
export const HIGH_WATER = 64 * 1024;
/** RFC 768: what a UDP datagram over IPv4 holds. */
export const MAX_DATAGRAM_BYTES = 65_507;

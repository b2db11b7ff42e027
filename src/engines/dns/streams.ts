/**
 * Questions over TCP and TLS: one connection to a server carries all that are put to it, in whatever
 * order it answers, and stays for those that follow. RFC 7766 6.2, RFC 7858 3.4.
 */
import { FrameDecoder, frame } from "../../codecs/dns/index.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type {
  CloseCause,
  Endpoint,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  Timer,
  TlsClient,
} from "../host.ts";

/** Another connection is opened when one has so many waiting. */
const MAX_WAITING = 100;
/** Connections that nobody waits at; of more, the one idle for longest is closed. */
const MAX_IDLE = 64;
/** Answers to nothing that was asked before a connection is given up. */
const MAX_STRAYS = 64;

export interface StreamServer extends Endpoint {
  readonly tls?: TlsClient | undefined;
}

export interface StreamQuestion {
  /** One message, without its length. */
  readonly bytes: Uint8Array;
  /** To connect, with TLS its handshake too. */
  readonly timeout: Nanos;
  /** Again when the connection was closed before the answer, and another carries the question. */
  onSent?(): void;
  /** A message with the question's identifier, lent. The question waits on until it is withdrawn. */
  onMessage(message: Uint8Array): void;
  /** No answer will come. */
  onLost(cause: LostCause, error: NetError | DecodeError | null): void;
}

export type LostCause = CloseCause | "malformed";

interface Asked {
  readonly server: StreamServer;
  readonly id: number;
  readonly question: StreamQuestion;
  stream: Stream | undefined;
  sentAt: Nanos;
}

export class Streams {
  private readonly host: Host;
  private readonly idle: Nanos;
  private readonly open = new Set<Stream>();
  /** In the order in which they fell idle. */
  private readonly unused = new Set<Stream>();

  /** `idle`: how long a connection stays that nobody waits at. */
  constructor(host: Host, idle: Nanos) {
    this.host = host;
    this.idle = idle;
  }

  /** What it returns withdraws the question, answered or not. */
  ask(server: StreamServer, question: StreamQuestion): () => void {
    const id = identifier(question.bytes);
    const asked: Asked = { server, id, question, stream: undefined, sentAt: 0 };
    this.put(asked);
    return () => {
      asked.stream?.withdraw(asked);
      asked.stream = undefined;
    };
  }

  /** Nobody who waits is told. */
  close(): void {
    for (const stream of [...this.open]) stream.discard();
  }

  private put(asked: Asked): void {
    for (const stream of this.open) {
      if (!stream.takes(asked)) continue;
      this.unused.delete(stream);
      stream.put(asked);
      return;
    }
    const stream = new Stream(this.host, asked, {
      idle: (one) => this.keep(one),
      gone: (one) => {
        this.open.delete(one);
        this.unused.delete(one);
      },
      lost: (one, cause, error) => this.lost(one, cause, error),
    });
    this.open.add(stream);
    stream.put(asked);
  }

  private keep(stream: Stream): void {
    this.unused.add(stream);
    stream.expireAt(this.host.clock.now() + this.idle);
    if (this.unused.size <= MAX_IDLE) return;
    const [oldest] = this.unused;
    oldest?.discard();
  }

  /**
   * RFC 7766 6.2.4: a server may close when it likes, and one that answered before has not refused the
   * question. Each time that a question is put again an answer was had, so this comes to an end.
   */
  private lost(stream: Stream, cause: LostCause, error: NetError | DecodeError | null): void {
    const again = stream.answered && cause !== "malformed";
    for (const asked of stream.takeAll()) {
      // Withdrawn meanwhile, by what another of them brought about.
      if (asked.stream !== stream) continue;
      asked.stream = undefined;
      if (again) this.put(asked);
      else asked.question.onLost(cause, error);
    }
  }
}

interface StreamOwner {
  idle(stream: Stream): void;
  gone(stream: Stream): void;
  lost(stream: Stream, cause: LostCause, error: NetError | DecodeError | null): void;
}

class Stream implements TcpHandler {
  private readonly host: Host;
  private readonly server: StreamServer;
  private readonly owner: StreamOwner;
  private readonly connection: TcpConnection;
  private readonly frames = new FrameDecoder();
  private readonly timer: Timer;
  private waiting = new Map<number, Asked>();
  private isOpen = false;
  private over = false;
  /** No more questions: the server has ended it, or is silent. */
  private retired = false;
  private heardAt: Nanos = -1;
  private strays = 0;
  /** Whether it ever brought what was asked for. */
  answered = false;

  constructor(host: Host, { server, question }: Asked, owner: StreamOwner) {
    this.host = host;
    this.server = server;
    this.owner = owner;
    this.timer = host.clock.timer(() => this.discard());
    const { addr, port, tls } = server;
    this.connection = host.connect(this, {
      remote: { addr, port },
      timeout: question.timeout,
      ...(tls === undefined ? {} : { tls }),
    });
  }

  takes({ server, id }: Asked): boolean {
    return (
      !this.retired &&
      server.addr === this.server.addr &&
      server.port === this.server.port &&
      server.tls === this.server.tls &&
      this.waiting.size < MAX_WAITING &&
      !this.waiting.has(id)
    );
  }

  put(asked: Asked): void {
    asked.stream = this;
    this.waiting.set(asked.id, asked);
    this.timer.armAt(undefined);
    if (this.isOpen) this.send(asked);
  }

  withdraw(asked: Asked): void {
    if (this.waiting.get(asked.id) !== asked) return;
    this.waiting.delete(asked.id);
    // Whoever has said nothing since the question may be gone: the next is put to a new connection.
    if (!this.isOpen || this.heardAt < asked.sentAt) this.retired = true;
    if (this.waiting.size > 0) return;
    if (this.retired) this.discard();
    else this.owner.idle(this);
  }

  takeAll(): Asked[] {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    return all;
  }

  expireAt(at: Nanos): void {
    this.timer.armAt(at);
  }

  discard(): void {
    this.leave();
    this.connection.reset();
  }

  private leave(): void {
    this.over = true;
    this.retired = true;
    this.timer.armAt(undefined);
    this.owner.gone(this);
  }

  private send(asked: Asked): void {
    asked.sentAt = this.host.clock.now();
    this.connection.write(frame(asked.question.bytes));
    asked.question.onSent?.();
  }

  onOpen(): void {
    if (this.over) return;
    this.isOpen = true;
    for (const asked of [...this.waiting.values()]) if (asked.stream === this) this.send(asked);
  }

  onData(data: Uint8Array): void {
    if (this.over) return;
    this.heardAt = this.host.clock.now();
    this.frames.push(data);
    try {
      for (let one = this.frames.next(); one !== undefined && !this.over; one = this.frames.next())
        this.received(one);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.failed("malformed", error);
      this.connection.reset();
    }
  }

  private received(message: Uint8Array): void {
    // One that waits alone may say what is wrong with an answer that is not its own.
    const [alone] = this.waiting.size === 1 ? this.waiting.values() : [];
    const asked = this.waiting.get(identifier(message)) ?? alone;
    if (asked !== undefined) asked.question.onMessage(message);
    if (asked !== undefined && this.waiting.get(asked.id) !== asked) this.answered = true;
    else if (++this.strays >= MAX_STRAYS) {
      this.failed("malformed", null);
      this.connection.reset();
    }
  }

  onEnd(): void {
    if (this.over) return;
    this.connection.end();
    this.failed("ended", null);
  }

  onClose(cause: CloseCause, error: NetError | null): void {
    if (!this.over) this.failed(cause, error);
  }

  private failed(cause: LostCause, error: NetError | DecodeError | null): void {
    this.leave();
    this.owner.lost(this, cause, error);
  }
}

function identifier(message: Uint8Array): number {
  return ((message[0] as number) << 8) | (message[1] as number);
}

/**
 * What the zone keeper of a scenario runs on: the scenario's clock, its files, and streams to
 * addresses that the ranges answer for. Nothing takes time here.
 */
import { FrameDecoder, frame } from "../../../codecs/dns/index.ts";
import { latin1 } from "../../../codecs/reader.ts";
import { latin1Bytes } from "../../../codecs/writer.ts";
import { StateError } from "../../errors.ts";
import type {
  ConnectOptions,
  Disk,
  DiskDone,
  DiskError,
  DiskFile,
  FileStat,
  Host,
  Nanos,
  NetError,
  Random,
  TcpConnection,
  TcpHandler,
  Timer,
} from "../../host.ts";

/** A question that a program of the scenario put to a server on a stream. */
export interface StreamQuestion {
  readonly addr: string;
  readonly bytes: Uint8Array;
  answer(messages: readonly Uint8Array[]): void;
}

class ScenarioTimer implements Timer {
  at: Nanos | undefined;
  readonly fire: () => void;
  constructor(fire: () => void) {
    this.fire = fire;
  }
  armAt(at: Nanos | undefined): void {
    this.at = at;
  }
  get armed(): boolean {
    return this.at !== undefined;
  }
}

export class ScenarioHost {
  readonly files = new Map<string, string>();
  readonly host: Host;
  private readonly timers: ScenarioTimer[] = [];
  private readonly soon: (() => void)[] = [];
  private readonly asked: (question: StreamQuestion) => void;

  constructor(
    now: () => Nanos,
    wallMs: () => number,
    random: Random,
    asked: (question: StreamQuestion) => void,
  ) {
    this.asked = asked;
    const defer = (f: () => void) => void this.soon.push(f);
    const none = (what: string) => () => {
      throw new StateError(`a scenario has no ${what}`);
    };
    this.host = {
      name: "resolver",
      clock: {
        now,
        wallMs,
        defer,
        timer: (fire, arg = 0) => {
          const timer = new ScenarioTimer(() => fire(arg));
          this.timers.push(timer);
          return timer;
        },
      },
      random,
      addresses: [],
      udp: none("datagrams of its own"),
      listen: none("listeners"),
      connect: (handler, options) => this.connect(handler, options),
      disk: new ScenarioDisk(this.files, defer),
      offload: none("offloaded work"),
      trace: () => {},
    };
  }

  /** Runs what is due at once. */
  settle(): void {
    for (let f = this.soon.shift(); f !== undefined; f = this.soon.shift()) f();
  }

  /** Fires the timers whose time has come. */
  expire(now: Nanos): void {
    for (const timer of [...this.timers]) {
      if (timer.at === undefined || timer.at > now) continue;
      timer.at = undefined;
      timer.fire();
      this.settle();
    }
  }

  private connect(handler: TcpHandler, { remote }: ConnectOptions): TcpConnection {
    const frames = new FrameDecoder();
    let open = true;
    const soon = (f: () => void) => this.soon.push(() => open && f());
    const close = (cause: "local" | "ended", error: NetError | null = null) => {
      if (!open) return;
      open = false;
      this.soon.push(() => connection.handler.onClose(cause, error, connection));
    };
    const connection: TcpConnection = {
      local: { addr: "127.0.0.1", port: 1024 },
      remote,
      buffered: 0,
      handler,
      write: (data) => {
        frames.push(data);
        for (let one = frames.next(); one !== undefined; one = frames.next())
          this.asked({
            addr: remote.addr,
            bytes: one.slice(),
            answer: (messages) => {
              for (const message of messages)
                soon(() => connection.handler.onData(frame(message), connection));
              soon(() => connection.handler.onEnd?.(connection));
            },
          });
        return true;
      },
      secure: () => {
        throw new Error("scenarios have no TLS");
      },
      end: () => close("ended"),
      reset: () => close("local"),
      pause: () => {},
      resume: () => {},
      setNoDelay: () => {},
      setIdleTimeout: () => {},
    };
    soon(() => handler.onOpen?.(connection));
    return connection;
  }
}

class ScenarioDisk implements Disk {
  private readonly files: Map<string, string>;
  private readonly defer: (f: () => void) => void;

  constructor(files: Map<string, string>, defer: (f: () => void) => void) {
    this.files = files;
    this.defer = defer;
  }

  private missing(path: string): DiskError {
    return Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT", path });
  }

  open(path: string, mode: "read" | "write" | "create", done: DiskDone<DiskFile>): void {
    this.defer(() => {
      if (!this.files.has(path) && mode !== "create") return done(this.missing(path));
      if (!this.files.has(path)) this.files.set(path, "");
      done(null, this.file(path));
    });
  }

  stat(path: string, done: DiskDone<FileStat>): void {
    this.defer(() => {
      const text = this.files.get(path);
      if (text === undefined) return done(this.missing(path));
      done(null, { kind: "file", size: text.length, modifiedMs: 0, realPath: path });
    });
  }

  private file(path: string): DiskFile {
    const text = () => this.files.get(path) ?? "";
    const put = (next: string) => this.files.set(path, next);
    return {
      read: (at, length, done) =>
        this.defer(() => done(null, latin1Bytes(text().slice(at, at + length)))),
      write: (at, data, done) => {
        const part = latin1(data, 0, data.length);
        this.defer(() => {
          put(text().slice(0, at).padEnd(at, "\0") + part + text().slice(at + part.length));
          done(null);
        });
      },
      sync: (done) => this.defer(() => done(null)),
      size: (done) => this.defer(() => done(null, text().length)),
      truncate: (length, done) =>
        this.defer(() => {
          put(text().slice(0, length));
          done(null);
        }),
      close: () => {},
    };
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.defer(() => {
      const text = this.files.get(from);
      if (text === undefined) return done(this.missing(from));
      this.files.delete(from);
      this.files.set(to, text);
      done(null);
    });
  }

  remove(path: string, done: DiskDone): void {
    this.defer(() => done(this.files.delete(path) ? null : this.missing(path)));
  }

  list(_folder: string, done: DiskDone<readonly string[]>): void {
    this.defer(() => done(null, [...this.files.keys()].sort()));
  }

  makeFolder(_path: string, done: DiskDone): void {
    this.defer(() => done(null));
  }

  /** One program has all of it. */
  lock(_folder: string, done: DiskDone): void {
    this.defer(() => done(null));
  }
}

/** Asks each machine now and then whether it is well: by opening a connection, or with a GET. */
import { placeOf } from "../dialing/place.ts";
import type { Host, Nanos, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import { ClientConnection } from "../http/client-connection.ts";
import type { Backend, Backends } from "./backends.ts";

export interface HealthOptions {
  /** Path to GET, where 2xx and 3xx are well; none: a connection that opens is. */
  readonly path?: string | undefined;
  readonly interval: Nanos;
  readonly timeout: Nanos;
  /** Results in a row that turn a machine down, and up again. */
  readonly fall: number;
  readonly rise: number;
}

export const HEALTH: HealthOptions = { interval: 2 * SECOND, timeout: SECOND, fall: 2, rise: 2 };

export class HealthChecks {
  private readonly host: Host;
  private readonly backends: Backends;
  private readonly options: HealthOptions;
  private readonly onChange: (backend: Backend, why: string) => void;
  private readonly timer: Timer;
  private stopped = false;

  constructor(
    host: Host,
    backends: Backends,
    options: HealthOptions,
    onChange: (backend: Backend, why: string) => void,
  ) {
    this.host = host;
    this.backends = backends;
    this.options = options;
    this.onChange = onChange;
    this.timer = host.clock.timer(() => this.round());
    this.round();
  }

  stop(): void {
    this.stopped = true;
    this.timer.armAt(undefined);
  }

  private round(): void {
    for (const backend of this.backends.all) this.check(backend);
    this.timer.armAt(this.host.clock.now() + this.options.interval);
  }

  private check(backend: Backend): void {
    const { path, timeout } = this.options;
    let told = false;
    const tell = (well: boolean, why: string) => {
      if (told || this.stopped) return;
      told = true;
      this.result(backend, well, why);
    };
    const connection = new ClientConnection(
      this.host,
      { remote: backend.at, connectTime: timeout, responseTime: timeout },
      {
        onOpen: () => {
          if (path !== undefined) return;
          tell(true, "it opens connections");
          connection.close();
        },
        onClosed: () => tell(false, "no connection"),
      },
    );
    if (path === undefined) return;
    const fields = [
      { name: "Host", value: placeOf(backend.at) },
      { name: "Connection", value: "close" },
    ];
    connection.send(
      { method: "GET", target: path, fields },
      {
        head: ({ statusCode }) =>
          tell(statusCode >= 200 && statusCode < 400, `status ${statusCode}`),
        data: () => {},
        end: () => connection.close(),
        cut: (why) => tell(false, why.message),
      },
    );
  }

  private result(backend: Backend, well: boolean, why: string): void {
    if (well === backend.up) {
      backend.streak = 0;
      return;
    }
    backend.streak++;
    if (backend.streak < (well ? this.options.rise : this.options.fall)) return;
    backend.up = well;
    backend.streak = 0;
    this.onChange(backend, why);
  }
}

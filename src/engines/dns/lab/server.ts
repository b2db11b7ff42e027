/** One server of the lab: its zones behind a listener, with its questions counted. */
import type { Engine, Host, NetError } from "../../host.ts";
import { Authority } from "../authority.ts";
import type { DnsClient, DnsService, Reply } from "../listener.ts";
import { DnsListener } from "../listener.ts";
import { Secondary } from "../secondary.ts";
import type { Zone } from "../zone.ts";
import type { FetchedZone } from "./plan.ts";
import { Relay } from "./relay.ts";

export interface LabServerOptions {
  readonly addr: string;
  readonly port: number;
  readonly zones: readonly Zone[];
  /** Zones that it fetches from another server of the lab (RFC 5936). */
  readonly fetched?: readonly FetchedZone[];
  /** Asked for recursion, it asks the next server itself. */
  readonly relays: boolean;
  onListening?(): void;
  /** All that it fetches has come. */
  onFetched?(): void;
  onListenError?(error: NetError): void;
}

/** The root waits this long for the next server; each level below has a third, so that it can try another in time. */
const ROOT_PATIENCE_MS = 6000;

export class LabServer implements Engine, DnsService {
  /** Questions that came. */
  questions = 0;
  private readonly options: LabServerOptions;
  private listener: DnsListener | undefined;
  private service: DnsService | undefined;
  private readonly secondaries: Secondary[] = [];

  constructor(options: LabServerOptions) {
    this.options = options;
  }

  start(host: Host): void {
    const { addr, port, zones, relays, onListening, onListenError } = this.options;
    const authority = new Authority(host.clock, { mayTransfer: () => true });
    for (const zone of zones) authority.setZone(zone);
    this.service = relays
      ? new Relay(host, asService(authority), { port, timeoutMs: this.patienceMs, tries: 1 })
      : asService(authority);
    this.listener = new DnsListener(this, {
      listen: [{ addr, port }],
      onListening: () => onListening?.(),
      onListenError: (error) => onListenError?.(error),
    });
    this.listener.start(host);
    this.fetch(host, authority);
  }

  private fetch(host: Host, authority: Authority): void {
    const { fetched = [], port, onFetched } = this.options;
    const missing = new Set(fetched.map(({ zone }) => zone));
    for (const { zone, primary } of fetched) {
      const secondary = new Secondary({
        zone,
        primary: { addr: primary, port },
        onZone: (came) => {
          authority.setZone(came);
          if (missing.delete(zone) && missing.size === 0) onFetched?.();
        },
        onExpire: () => authority.expectZone(zone),
      });
      this.secondaries.push(secondary);
      secondary.start(host);
    }
  }

  private get names(): string[] {
    const { zones, fetched = [] } = this.options;
    return [...zones.map(({ name }) => name), ...fetched.map(({ zone }) => zone)];
  }

  private get patienceMs(): number {
    const depth = (name: string) => name.split(".").filter((label) => label !== "").length;
    const deepest = Math.max(0, ...this.names.map(depth));
    return Math.round(ROOT_PATIENCE_MS / ([1, 3, 9][Math.min(deepest, 2)] as number));
  }

  query(request: Uint8Array, client: DnsClient, reply: Reply): void {
    this.questions++;
    this.service?.query(request, client, reply);
  }

  stop(graceful: boolean, done: () => void): void {
    for (const one of this.secondaries) one.stop(graceful, () => {});
    if (this.listener === undefined) done();
    else this.listener.stop(graceful, done);
  }
}

/** An authority answers at once; only transfers take longer. */
function asService(authority: Authority): DnsService {
  return {
    query: (request, client, reply) => {
      const answer = authority.answerNow(request, client);
      if (answer === undefined) authority.query(request, client, reply);
      else reply(answer);
    },
  };
}

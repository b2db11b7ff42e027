/** What is known of servers: round trips, time-outs, EDNS, zones they are lame for. RFC 6298, 6891. */
import type { Random } from "../../host.ts";
import type { ServerAddress } from "./options.ts";

/** As unbound: a server never asked is taken to need so long. */
const UNKNOWN_RTT_MS = 376;
const MIN_TIMEOUT_MS = 200;
const MAX_TIMEOUT_MS = 3000;
/** Servers within so much of the fastest share the load (and make guessing harder). */
const BAND_MS = 400;
/** Entries are forgotten after it (unbound: infra-host-ttl). */
const LIFETIME_SECONDS = 900;
/**
 * What one answer says against a server holds no longer: it may have been damaged on its way. RFC
 * 9520 3.2: 5 minutes at most; for a signed zone "no EDNS" is as bad as no answer.
 */
const GRUDGE_SECONDS = 60;
const MAX_SERVERS = 20_000;

interface ServerState {
  srttMs: number;
  varianceMs: number;
  /** Doubles with each time-out in a row. */
  timeoutMs: number;
  timeouts: number;
  known: boolean;
  /** Asked without EDNS until then. */
  plainUntil: number;
  /** It has sent an OPT record: RFC 6891 7, nothing takes that back. */
  speaksEdns: boolean;
  /** Copies the case of names: RFC 1035 4.1.1 lets it. */
  keepsCase: boolean;
  /** Zones, and until when. */
  readonly lameFor: Map<string, number>;
  readonly since: number;
}

export interface ServerReport {
  readonly addr: string;
  readonly port: number;
  readonly rttMs: number;
  readonly timeouts: number;
  readonly edns: boolean;
  readonly lameFor: readonly string[];
}

export class Infrastructure {
  private readonly servers = new Map<string, ServerState>();

  private state(server: ServerAddress, now: number): ServerState {
    const id = `${server.addr} ${server.port}`;
    let state = this.servers.get(id);
    if (state === undefined || now - state.since > LIFETIME_SECONDS) {
      state = {
        srttMs: UNKNOWN_RTT_MS,
        varianceMs: 0,
        timeoutMs: UNKNOWN_RTT_MS,
        timeouts: 0,
        known: false,
        plainUntil: 0,
        speaksEdns: false,
        keepsCase: true,
        lameFor: new Map(),
        since: now,
      };
      this.servers.set(id, state);
      if (this.servers.size > MAX_SERVERS)
        this.servers.delete(this.servers.keys().next().value as string);
    }
    return state;
  }

  timeoutMs(server: ServerAddress, now: number): number {
    return this.state(server, now).timeoutMs;
  }

  /** RFC 6298 2. */
  replied(server: ServerAddress, rttMs: number, now: number): void {
    const state = this.state(server, now);
    if (!state.known) {
      state.srttMs = rttMs;
      state.varianceMs = rttMs / 2;
      state.known = true;
    } else {
      state.varianceMs = 0.75 * state.varianceMs + 0.25 * Math.abs(state.srttMs - rttMs);
      state.srttMs = 0.875 * state.srttMs + 0.125 * rttMs;
    }
    state.timeouts = 0;
    state.timeoutMs = Math.min(
      MAX_TIMEOUT_MS,
      Math.max(MIN_TIMEOUT_MS, state.srttMs + 4 * state.varianceMs),
    );
  }

  timedOut(server: ServerAddress, now: number): void {
    const state = this.state(server, now);
    state.timeouts++;
    state.timeoutMs = Math.min(MAX_TIMEOUT_MS, state.timeoutMs * 2);
  }

  markLame(server: ServerAddress, zone: string, now: number): void {
    this.state(server, now).lameFor.set(zone, now + GRUDGE_SECONDS);
  }

  isLame(server: ServerAddress, zone: string, now: number): boolean {
    return (this.state(server, now).lameFor.get(zone) ?? 0) > now;
  }

  edns(server: ServerAddress, now: number): boolean {
    return this.state(server, now).plainUntil <= now;
  }

  speaksEdns(server: ServerAddress, now: number): void {
    this.state(server, now).speaksEdns = true;
  }

  /** False for one that is known to speak it. */
  withoutEdns(server: ServerAddress, now: number): boolean {
    const state = this.state(server, now);
    if (state.speaksEdns) return false;
    state.plainUntil = now + GRUDGE_SECONDS;
    return true;
  }

  keepsCase(server: ServerAddress, now: number): boolean {
    return this.state(server, now).keepsCase;
  }

  losesCase(server: ServerAddress, now: number): void {
    this.state(server, now).keepsCase = false;
  }

  /** One of the fastest; those that time out count with their back-off. */
  pick(
    servers: readonly ServerAddress[],
    tried: (server: ServerAddress) => number,
    random: Random,
    now: number,
  ): ServerAddress | undefined {
    const cost = (server: ServerAddress) => {
      const state = this.state(server, now);
      return state.timeouts > 0 ? state.timeoutMs * 2 ** Math.min(state.timeouts, 4) : state.srttMs;
    };
    let fewest = Number.POSITIVE_INFINITY;
    for (const server of servers) fewest = Math.min(fewest, tried(server));
    const candidates = servers.filter((server) => tried(server) === fewest);
    let best = Number.POSITIVE_INFINITY;
    for (const server of candidates) best = Math.min(best, cost(server));
    const band = candidates.filter((server) => cost(server) <= best + BAND_MS);
    return band.length === 0 ? undefined : band[random.below(band.length)];
  }

  report(now: number): ServerReport[] {
    return [...this.servers].map(([id, state]) => {
      const [addr, port] = id.split(" ") as [string, string];
      return {
        addr,
        port: Number(port),
        rttMs: Math.round(state.srttMs * 1000) / 1000,
        timeouts: state.timeouts,
        edns: state.plainUntil <= now,
        lameFor: [...state.lameFor].flatMap(([zone, until]) => (until > now ? [zone] : [])),
      };
    });
  }
}

/**
 * The stub resolver, as gethostbyname has it: the hosts file, then each name of the search list at
 * each server, with back-off. RFC 1123 6.1.3, RFC 1034 5.3.1.
 */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import type { Endpoint, Host, TlsClient } from "../../host.ts";
import { SECOND } from "../../host.ts";
import { Streams } from "../streams.ts";
import type { TsigKey } from "../tsig.ts";
import type { Answered, ExchangeEvent, ExchangeResult, Transport, Unanswered } from "./exchange.ts";
import { Exchange } from "./exchange.ts";
import type { HostsFile } from "./hosts-file.ts";
import { hostKey } from "./hosts-file.ts";
import type { QueryOptions } from "./query.ts";
import { clientQuery } from "./query.ts";
import type { ResolvConf } from "./resolv-conf.ts";
import { candidates } from "./resolv-conf.ts";

export interface StubOptions {
  readonly conf: ResolvConf;
  readonly hosts?: HostsFile | undefined;
  readonly transport: Transport;
  readonly tls?: TlsClient;
  readonly query: QueryOptions;
  readonly sameId?: boolean;
  readonly ignoreTruncation?: boolean;
  /** RFC 8945. */
  readonly key?: TsigKey | undefined;
}

export type StubEvent = ExchangeEvent & {
  readonly server: Endpoint;
  readonly name: string;
  readonly type: number;
};

export interface FromHosts {
  readonly from: "hosts";
  readonly name: string;
  /** None: the file has the name, with addresses of the other family only. */
  readonly addresses: readonly string[];
  /** Of an address. */
  readonly host?: string;
}

export interface FromServer extends Answered {
  readonly from: "server";
  /** The name of the search list that was answered. */
  readonly name: string;
  /** Servers that did not answer, or not usefully, before. */
  readonly failures: readonly (Unanswered | Answered)[];
}

export interface Failed {
  readonly from: "nobody";
  readonly failures: readonly (Unanswered | Answered)[];
}

export type StubResult = FromHosts | FromServer | Failed;

/** Of a connection that no question waits for. */
const IDLE = SECOND;

/** Answers of servers that cannot say: others may. */
const USELESS: ReadonlySet<number> = new Set([RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED]);

export class Stub {
  private readonly host: Host;
  private readonly options: StubOptions;
  private readonly streams: Streams;
  /** Where `rotate` begins. */
  private turn = 0;

  constructor(host: Host, options: StubOptions) {
    this.host = host;
    this.options = options;
    this.streams = new Streams(host, IDLE);
  }

  /** `name`: relative, or absolute with its last dot. */
  resolve(
    name: string,
    type: number,
    done: (result: StubResult) => void,
    tell: (event: StubEvent) => void = () => {},
  ): void {
    const { conf, hosts } = this.options;
    const found = hosts === undefined ? undefined : fromHosts(hosts, name, type);
    if (found !== undefined) {
      done(found);
      return;
    }
    const start = conf.rotate ? this.turn++ % conf.servers.length : 0;
    const servers = [...conf.servers.slice(start), ...conf.servers.slice(0, start)];
    const names = candidates(name, conf);
    new Search(this.host, this.options, this.streams, servers, names, type, done, tell).next();
  }
}

/** A name that the file has is no name of DNS, whatever the family (gethostbyname; RFC 6761 6.3 of localhost). */
function fromHosts(hosts: HostsFile, name: string, type: number): FromHosts | undefined {
  if (type === TYPE.PTR) {
    const host = hosts.reversed.get(hostKey(name));
    return host === undefined ? undefined : { from: "hosts", name, addresses: [], host };
  }
  const all = hosts.addresses.get(hostKey(name));
  if (all === undefined || (type !== TYPE.A && type !== TYPE.AAAA)) return undefined;
  const isSix = (address: string) => address.includes(":");
  const wanted = all.filter((address) => isSix(address) === (type === TYPE.AAAA));
  return { from: "hosts", name, addresses: wanted };
}

/** One question through the search list. */
class Search {
  private readonly host: Host;
  private readonly options: StubOptions;
  private readonly streams: Streams;
  private servers: readonly Endpoint[];
  private readonly all: readonly Endpoint[];
  private readonly useless = new Set<Endpoint>();
  private readonly names: readonly string[];
  private readonly type: number;
  private readonly done: (result: StubResult) => void;
  private readonly tell: (event: StubEvent) => void;
  private nameAt = 0;
  private round = 0;
  private serverAt = 0;
  private sent = 0;
  private id: number | undefined;
  private failures: (Unanswered | Answered)[] = [];
  /** What a name of the search list that exists without the type, or not at all, said. */
  private negative: FromServer | undefined;

  constructor(
    host: Host,
    options: StubOptions,
    streams: Streams,
    servers: readonly Endpoint[],
    names: readonly string[],
    type: number,
    done: (result: StubResult) => void,
    tell: (event: StubEvent) => void,
  ) {
    this.host = host;
    this.options = options;
    this.streams = streams;
    this.servers = servers;
    this.all = servers;
    this.names = names;
    this.type = type;
    this.done = done;
    this.tell = tell;
  }

  /** The next server that was not tried in this round, or the next round. */
  next(): void {
    const { conf, transport, tls, sameId, ignoreTruncation, key } = this.options;
    const name = this.names[this.nameAt] as string;
    if (this.serverAt >= this.servers.length) {
      this.serverAt = 0;
      this.round++;
      // One that said it cannot say will not say more when asked again.
      this.servers = this.servers.filter((server) => !this.useless.has(server));
    }
    if (this.round >= conf.attempts || this.servers.length === 0) {
      this.giveUp();
      return;
    }
    const server = this.servers[this.serverAt++] as Endpoint;
    const fresh = clientQuery(name, this.type, this.options.query, this.host.random);
    this.id ??= fresh.id;
    const query: DnsMessage = sameId === true ? { ...fresh, id: this.id } : fresh;
    const exchange = new Exchange(
      this.host,
      {
        server,
        transport,
        query,
        streams: this.streams,
        tries: 1,
        // A round later each server has twice the time: RFC 1035 4.2.1 asks for back-off.
        timeoutMs: conf.timeoutMs * 2 ** this.round,
        key,
        ...(tls === undefined ? {} : { tls }),
        ...(sameId === undefined ? {} : { sameId }),
        ...(ignoreTruncation === undefined ? {} : { ignoreTruncation }),
      },
      (result) => this.came(result, name, server),
      (event) => this.tell({ ...event, server, name, type: this.type }),
    );
    exchange.start();
  }

  private came(result: ExchangeResult, name: string, server: Endpoint): void {
    this.sent += result.sent;
    if (!result.ok || USELESS.has(result.response.rcode)) {
      this.failures.push(result);
      if (result.ok) this.useless.add(server);
      this.next();
      return;
    }
    const answer: FromServer = {
      ...result,
      from: "server",
      name,
      failures: this.failures,
      sent: this.sent,
    };
    const { rcode, answers } = result.response;
    const positive = rcode === RCODE.NOERROR && answers.length > 0;
    if (positive || this.nameAt + 1 === this.names.length) {
      this.done(positive || this.negative === undefined ? answer : this.negative);
      return;
    }
    // A name that exists without the type says more than one that does not exist.
    if (this.negative === undefined || rcode === RCODE.NOERROR) this.negative = answer;
    this.nameAt++;
    this.round = 0;
    this.serverAt = 0;
    this.servers = this.all;
    this.useless.clear();
    this.next();
  }

  /** No server was of use: their last answer is better than none. */
  private giveUp(): void {
    const last = this.failures.findLast((failure): failure is Answered => failure.ok);
    const name = this.names[this.nameAt] as string;
    if (this.negative !== undefined) this.done(this.negative);
    else if (last === undefined) this.done({ from: "nobody", failures: this.failures });
    else this.done({ ...last, from: "server", name, failures: this.failures, sent: this.sent });
  }
}

/**
 * The course's recursive mode: a server that is asked for recursion and only knows a delegation asks
 * the delegated server itself, with recursion desired, and passes the answer on. So the question goes
 * down the hierarchy hand to hand, and the load lies with the servers at its top.
 */
import type { DnsMessage, ResourceRecord } from "../../../codecs/dns/index.ts";
import { decode, encode, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Endpoint, Host } from "../../host.ts";
import { Exchange } from "../client/exchange.ts";
import type { DnsClient, DnsService, Reply } from "../listener.ts";

export interface RelayOptions {
  /** Port of all servers: addresses come from glue, which has none. */
  readonly port: number;
  readonly timeoutMs: number;
  readonly tries: number;
}

export class Relay implements DnsService {
  private readonly host: Host;
  private readonly inner: DnsService;
  private readonly options: RelayOptions;
  /** Questions that were asked of other servers. */
  relayed = 0;

  constructor(host: Host, inner: DnsService, options: RelayOptions) {
    this.host = host;
    this.inner = inner;
    this.options = options;
  }

  query(request: Uint8Array, client: DnsClient, reply: Reply): void {
    const query = read(request.slice());
    this.inner.query(request, client, (bytes, rest) => {
      const response = query === undefined ? undefined : read(bytes);
      const servers = query?.rd === true && response !== undefined ? delegated(response) : [];
      if (query === undefined || response === undefined || servers.length === 0) reply(bytes, rest);
      else this.ask(query, servers, (answer) => reply(encode(answer)));
    });
  }

  private ask(
    query: DnsMessage,
    servers: readonly string[],
    done: (answer: DnsMessage) => void,
  ): void {
    const [addr, ...others] = servers;
    if (addr === undefined) {
      done({ ...query, qr: 1, ra: true, rcode: RCODE.SERVFAIL });
      return;
    }
    this.relayed++;
    const { port, timeoutMs, tries } = this.options;
    const server: Endpoint = { addr, port };
    new Exchange(this.host, { server, transport: "udp", query, tries, timeoutMs }, (result) => {
      // What comes back is passed on: no longer with authority, under the client's identifier.
      if (result.ok) done({ ...result.response, id: query.id, aa: false, ra: true });
      else this.ask(query, others, done);
    }).start();
  }
}

function read(bytes: Uint8Array): DnsMessage | undefined {
  try {
    return decode(bytes, { tolerate: () => {} });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

/** Addresses of the servers to which a referral leads; empty when it is none. */
function delegated(response: DnsMessage): string[] {
  const { rcode, aa, answers, authority, additional } = response;
  const isReferral =
    rcode === RCODE.NOERROR &&
    !aa &&
    answers.length === 0 &&
    authority.some((record) => record.type === TYPE.NS);
  if (!isReferral) return [];
  const addressOf = (record: ResourceRecord) =>
    (record.rdata as { readonly address?: string }).address;
  return additional
    .filter((record) => record.type === TYPE.A)
    .flatMap((record) => addressOf(record) ?? []);
}

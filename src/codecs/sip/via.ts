/** Via: where a response goes back to. RFC 3261 20.42, RFC 3581. */
import type { Param } from "./scanner.ts";
import { formatParams, Scanner, stopAt, stops } from "./scanner.ts";
import { isHost, portOf } from "./uri.ts";

export interface Via {
  /** `SIP` and `2.0`. */
  readonly protocol: string;
  readonly version: string;
  /** UDP, TCP, TLS, SCTP, WS or any other token. */
  readonly transport: string;
  readonly host: string;
  readonly port?: number;
  readonly params: readonly Param[];
}

const HOST_END = stops(" \t;:,");

/** False for the NaN behind the end of a text. */
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** All values of one field. @throws DecodeError with the offset in `text` */
export function parseVias(text: string): Via[] {
  const scanner = new Scanner(text, "sip.via.syntax");
  const vias = [one(scanner)];
  while (scanner.separator(",")) vias.push(one(scanner));
  scanner.end();
  return vias;
}

function one(scanner: Scanner): Via {
  scanner.blanks();
  const protocol = scanner.token("the protocol");
  if (!scanner.separator("/")) scanner.fail("no / after the protocol");
  const version = scanner.token("the version");
  if (!scanner.separator("/")) scanner.fail("no / after the version");
  const transport = scanner.token("the transport");
  const before = scanner.at;
  scanner.blanks();
  if (scanner.at === before) scanner.fail("no blank before the host");
  const host = hostOf(scanner);
  let port: number | undefined;
  if (scanner.separator(":")) {
    const from = scanner.at;
    while (isDigit(scanner.text.charCodeAt(scanner.at))) scanner.at++;
    port = portOf(scanner.text.slice(from, scanner.at));
    if (port === undefined) scanner.fail("no port number", from);
  }
  const params = scanner.params();
  const base = { protocol, version, transport, host };
  return port === undefined ? { ...base, params } : { ...base, port, params };
}

function hostOf(scanner: Scanner): string {
  const { text } = scanner;
  const from = scanner.at;
  let { at } = scanner;
  if (text[at] === "[") {
    while (at < text.length && text[at] !== "]") at++;
    at++;
  } else {
    at = stopAt(text, at, HOST_END);
  }
  const host = text.slice(from, at);
  if (!isHost(host)) scanner.fail("no host name or address", from);
  scanner.at = at;
  return host;
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? "" : `:${via.port}`;
  return `${via.protocol}/${via.version}/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}

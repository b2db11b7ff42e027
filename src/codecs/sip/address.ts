/** name-addr and addr-spec with parameters: From, To, Contact, Route and their like. RFC 3261 20.10, 25.1. */
import { DecodeError } from "../errors.ts";
import type { Param } from "./scanner.ts";
import { formatParams, isToken, Scanner, stopAt, stops } from "./scanner.ts";
import { parseUri } from "./uri.ts";

export interface Address {
  /** As sent, quotes kept; absent when there is none. */
  readonly displayName?: string;
  /** Between the brackets, or the bare addr-spec. */
  readonly uri: string;
  /** Of the header field, not of the URI. */
  readonly params: readonly Param[];
}

const CODE = "sip.address.syntax";
const BARE_END = stops(";,");

/** One address. @throws DecodeError with the offset in `text` */
export function parseAddress(text: string): Address {
  const scanner = new Scanner(text, CODE);
  const address = one(scanner);
  scanner.end();
  return address;
}

/** A comma-separated list. @throws DecodeError */
export function parseAddresses(text: string): Address[] {
  const scanner = new Scanner(text, CODE);
  const addresses = [one(scanner)];
  while (scanner.separator(",")) addresses.push(one(scanner));
  scanner.end();
  return addresses;
}

function one(scanner: Scanner): Address {
  scanner.blanks();
  const { text } = scanner;
  let displayName: string | undefined;
  if (scanner.is('"')) {
    displayName = scanner.quoted();
    scanner.blanks();
    if (!scanner.is("<")) scanner.fail("no < after a quoted display name");
  } else if (!scanner.is("<")) {
    const bracket = text.indexOf("<", scanner.at);
    const stop = endOfBare(text, scanner.at);
    if (bracket < 0 || bracket >= stop) return bare(scanner, stop);
    displayName = plainName(scanner, bracket);
  }
  const open = scanner.at;
  const close = text.indexOf(">", open);
  if (close < 0) scanner.fail("no > after a URI", open);
  const uri = text.slice(open + 1, close);
  checkUri(uri, open + 1);
  scanner.at = close + 1;
  const params = scanner.params();
  return displayName === undefined ? { uri, params } : { displayName, uri, params };
}

/** Where a bare addr-spec or an unquoted display name must end. */
function endOfBare(text: string, from: number): number {
  return stopAt(text, from, BARE_END);
}

/** display-name = *(token LWS); the last LWS may be missing (RFC 4475 3.1.1.6). */
function plainName(scanner: Scanner, bracket: number): string {
  const name = scanner.text.slice(scanner.at, bracket).trim();
  for (const word of name.split(/[ \t]+/)) {
    if (!isToken(word)) scanner.fail("a display name without quotes must be tokens");
  }
  scanner.at = bracket;
  return name;
}

/** RFC 3261 20.10: without brackets, all after a semicolon belongs to the header field. */
function bare(scanner: Scanner, stop: number): Address {
  const from = scanner.at;
  const uri = scanner.text.slice(from, stop).trimEnd();
  if (uri.includes("?")) scanner.fail("a URI with a question mark must stand in brackets", from);
  checkUri(uri, from);
  scanner.at = from + uri.length;
  return { uri, params: scanner.params() };
}

function checkUri(uri: string, at: number): void {
  try {
    parseUri(uri);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(error.code, at + error.offset, error.spec, error.message);
  }
}

export function formatAddress(address: Address): string {
  const name = address.displayName === undefined ? "" : `${address.displayName} `;
  return `${name}<${address.uri}>${formatParams(address.params)}`;
}

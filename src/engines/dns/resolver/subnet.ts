/** Client subnet towards servers: to whom it is told, and for whom an answer is. RFC 7871. */

import type { EdnsOption } from "../../../codecs/dns/index.ts";
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import { hex } from "../../../codecs/reader.ts";
import { fromHex } from "../../../codecs/writer.ts";
import { isWithin, keyOf } from "../dnssec/names.ts";
import type { Core } from "./core.ts";
import type { ServerAddress, SubnetOptions } from "./options.ts";
import type { ClientSubnet, Place } from "./work.ts";

/** IANA DNS EDNS0 Option Codes. */
export const ECS = 8;

/** Undefined: this server is not told. */
export function subnetFor(
  core: Core,
  place: Place,
  server: ServerAddress,
  name: string,
): ClientSubnet | undefined {
  const { subnet } = core.options;
  // RFC 7871 7.1.2: a client that tells nothing wants nothing told.
  if (subnet === undefined || place.subnet === undefined || place.subnet.source === 0)
    return undefined;
  const told =
    subnet.always ||
    subnet.servers.includes(server.addr) ||
    subnet.zones.some((zone) => isWithin(name, keyOf(zone)));
  return told ? place.subnet : undefined;
}

/** RFC 7871 6. */
export function subnetOption({ family, source, address }: ClientSubnet, scope = 0): EdnsOption {
  const octet = (value: number) => value.toString(16).padStart(2, "0");
  return {
    code: ECS,
    data: `${octet(family >> 8)}${octet(family & 255)}${octet(source)}${octet(scope)}${address}`,
  };
}

export type ParsedSubnet = ClientSubnet & { readonly scope: number };

/** Undefined when it is malformed: that is FORMERR (RFC 7871 7.1.2). */
export function parseSubnet(data: string): ParsedSubnet | undefined {
  const bytes = fromHex(data);
  if (bytes === undefined || bytes.length < 4) return undefined;
  const family = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const source = bytes[2] as number;
  const most = family === 1 ? 32 : family === 2 ? 128 : 0;
  const address = bytes.subarray(4);
  if (source > most || address.length !== Math.ceil(source / 8)) return undefined;
  const last = address[address.length - 1] ?? 0;
  if (source % 8 !== 0 && (last & (0xff >> (source % 8))) !== 0) return undefined;
  return { family, source, scope: bytes[3] as number, address: hex(address, 0, address.length) };
}

/** The first `length` bits, the rest of the last octet zero. */
export function truncate(subnet: ClientSubnet, length: number): ClientSubnet {
  const source = Math.min(subnet.source, length);
  const bytes = (fromHex(subnet.address) ?? new Uint8Array(0)).slice(0, Math.ceil(source / 8));
  if (source % 8 !== 0) {
    const at = bytes.length - 1;
    bytes[at] = (bytes[at] as number) & (0xff << (8 - (source % 8)));
  }
  return { family: subnet.family, source, address: hex(bytes, 0, bytes.length) };
}

/** Of a client: what it sent, or its address; no more of it than the options allow. */
export function clientSubnet(
  options: SubnetOptions,
  addr: string,
  sent: ClientSubnet | undefined,
): ClientSubnet | undefined {
  const whole = sent ?? addressSubnet(addr);
  if (whole === undefined) return undefined;
  return truncate(whole, whole.family === 1 ? options.maxIpv4 : options.maxIpv6);
}

function addressSubnet(addr: string): ClientSubnet | undefined {
  const v4 = parseIpv4(addr);
  if (v4 !== undefined) return { family: 1, source: 32, address: hex(v4, 0, 4) };
  const v6 = parseIpv6(addr);
  return v6 === undefined ? undefined : { family: 2, source: 128, address: hex(v6, 0, 16) };
}

/** Key of the cache for a prefix of so many bits. */
export function scopeKey(subnet: ClientSubnet, scope: number): string {
  const cut = truncate(subnet, scope);
  return ` ${cut.family}/${cut.source}/${cut.address}`;
}

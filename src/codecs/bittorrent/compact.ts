/** Contacts and nodes in compact form. BEP 5, 23, 7, 32. */
import { EncodeError } from "../errors.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../ip-text.ts";
import { hex } from "../reader.ts";
import { concat, fromHex } from "../writer.ts";

export interface Contact {
  readonly address: string;
  readonly port: number;
}

export interface NodeContact extends Contact {
  /** 20 octets in hex. */
  readonly id: string;
}

function contactAt(bytes: Uint8Array, at: number, size: number): Contact {
  const address = size === 6 ? formatIpv4(bytes, at) : formatIpv6(bytes, at);
  return {
    address,
    port: ((bytes[at + size - 2] as number) << 8) | (bytes[at + size - 1] as number),
  };
}

/** Whole contacts of `size` octets (6 or 18); a ragged tail is left out. */
export function contacts(bytes: Uint8Array, size: number): Contact[] {
  const out: Contact[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) out.push(contactAt(bytes, at, size));
  return out;
}

/** Whole nodes of `size` octets (26 or 38); a ragged tail is left out. */
export function nodes(bytes: Uint8Array, size: number): NodeContact[] {
  const out: NodeContact[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    out.push({ id: hex(bytes, at, at + 20), ...contactAt(bytes, at + 20, size - 20) });
  }
  return out;
}

/** @throws EncodeError when the address or port is none */
export function encodeContact(contact: Contact): Uint8Array {
  const address = parseIpv4(contact.address) ?? parseIpv6(contact.address);
  if (
    address === undefined ||
    !Number.isInteger(contact.port) ||
    contact.port < 0 ||
    contact.port > 65_535
  ) {
    throw new EncodeError(
      "bittorrent.contact",
      "BEP 23",
      `${contact.address}:${contact.port} is no contact`,
    );
  }
  return concat([address, Uint8Array.of(contact.port >> 8, contact.port & 255)]);
}

export function encodeContacts(list: readonly Contact[]): {
  readonly v4: Uint8Array;
  readonly v6: Uint8Array;
} {
  const encoded = list.map(encodeContact);
  return {
    v4: concat(encoded.filter((bytes) => bytes.length === 6)),
    v6: concat(encoded.filter((bytes) => bytes.length === 18)),
  };
}

/** @throws EncodeError */
export function encodeNode(node: NodeContact): Uint8Array {
  const id = fromHex(node.id);
  if (id?.length !== 20)
    throw new EncodeError("bittorrent.node", "BEP 5", "a node id is 20 octets in hex");
  return concat([id, encodeContact(node)]);
}

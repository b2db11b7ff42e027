/** Records of STUN messages and ChannelData: the body keys that the analyser prints. */
import { hex } from "../reader.ts";
import { ATTRIBUTES } from "./constants.ts";
import type { StunAttribute, StunItem } from "./message.ts";
import { classOf, methodName, methodOf } from "./message.ts";

export function stunRecord(item: StunItem): Record<string, unknown> {
  if (item.kind === "channel_data") {
    return { kind: item.kind, channel: item.channel, length: item.data.length };
  }
  return {
    kind: item.kind,
    type: item.type,
    method: methodName(methodOf(item.type)),
    class: classOf(item.type),
    txid: item.transactionId,
    attributes: item.attributes.map((attribute) => attribute.type),
    values: item.attributes.map(valueRow),
  };
}

/** `{type, name, …}` with the fields of the attribute's form; bytes as hex. */
function valueRow(attribute: StunAttribute): Record<string, unknown> {
  const { type } = attribute;
  const name = ATTRIBUTES.get(type)?.[0];
  const head = name === undefined ? { type } : { type, name };
  switch (attribute.form) {
    case "address":
    case "xor-address":
      return { ...head, address: attribute.address, port: attribute.port };
    case "text":
      return { ...head, text: attribute.text };
    case "bytes":
      return { ...head, hex: hex(attribute.bytes) };
    case "u32":
      return { ...head, number: attribute.number };
    case "u64":
      return { ...head, hex: attribute.hex };
    case "error":
      return { ...head, code: attribute.code, reason: attribute.reason };
    case "flag":
      return head;
    case "types":
      return { ...head, types: attribute.types };
    case "channel":
      return { ...head, channel: attribute.channel };
    case "transport":
      return { ...head, protocol: attribute.protocol };
    case "family":
      return { ...head, family: attribute.family };
    case "even-port":
      return { ...head, reserveNext: attribute.reserveNext };
  }
}

/** KRPC, the messages of the DHT. BEP 5, 32, 43, 44. */
import { decode as decodeBencode } from "../bencode/decode.ts";
import type { Bencodable } from "../bencode/encode.ts";
import { encode, plain } from "../bencode/encode.ts";
import type { BencodeNode } from "../bencode/node.ts";
import { get, getBytes, getInteger, getList, getText } from "../bencode/node.ts";
import type { DecodeOptions } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { hex, utf8 } from "../reader.ts";
import type { Contact, NodeContact } from "./compact.ts";
import { contacts, nodes } from "./compact.ts";

export const KRPC_METHODS = [
  "ping",
  "find_node",
  "get_peers",
  "announce_peer",
  "get",
  "put",
  "sample_infohashes",
] as const;
/** Error codes of BEP 5 and 44. */
export const KRPC_ERROR = { generic: 201, server: 202, protocol: 203, methodUnknown: 204 } as const;

interface Common {
  /** `t`, as octets. */
  readonly transactionId: Uint8Array;
  /** The whole message, for what is not typed here. */
  readonly dict: BencodeNode;
}

export interface KrpcQuery extends Common {
  readonly y: "q";
  readonly method: string;
  /** 20 octets in hex, as all ids here. */
  readonly id: string;
  readonly target?: string;
  readonly infoHash?: string;
  readonly port?: number;
  readonly impliedPort?: boolean;
  readonly token?: Uint8Array;
  /** BEP 43: the sender answers nothing. */
  readonly readOnly?: boolean;
}

export interface KrpcResponse extends Common {
  readonly y: "r";
  readonly id: string;
  readonly nodes: readonly NodeContact[];
  readonly values: readonly Contact[];
  readonly token?: Uint8Array;
}

export interface KrpcError extends Common {
  readonly y: "e";
  readonly code: number;
  readonly message: string;
}

export type KrpcMessage = KrpcQuery | KrpcResponse | KrpcError;

function bad(code: string, at: number, message: string, spec = "BEP 5"): never {
  throw new DecodeError(`krpc.${code}`, at, spec, message);
}

/** Decodes and checks what every node needs. @throws DecodeError */
export function decodeKrpc(bytes: Uint8Array, options: DecodeOptions = {}): KrpcMessage {
  const dict = decodeBencode(bytes, options);
  if (dict.kind !== "dict") bad("dict", 0, "not a dictionary");
  const transactionId = getBytes(dict, "t");
  if (transactionId === undefined) bad("transaction", 0, "no transaction id");
  const y = getText(dict, "y");
  if (y === "q") return query(dict, transactionId);
  if (y === "r") return response(dict, transactionId);
  if (y === "e") return error(dict, transactionId);
  bad("type", get(dict, "y")?.start ?? 0, "y is none of q, r and e");
}

function idOf(node: BencodeNode | undefined, name: string): string {
  const bytes = getBytes(node, name);
  if (bytes?.length !== 20)
    bad("id", get(node, name)?.start ?? node?.start ?? 0, `${name} is not 20 octets`);
  return hex(bytes);
}

function query(dict: BencodeNode, transactionId: Uint8Array): KrpcQuery {
  const method = getText(dict, "q");
  if (method === undefined) bad("method", get(dict, "q")?.start ?? 0, "q is no text");
  const a = get(dict, "a");
  if (a?.kind !== "dict") bad("arguments", a?.start ?? 0, "a is no dictionary");
  const base: KrpcQuery = { y: "q", transactionId, dict, method, id: idOf(a, "id") };
  const readOnly = getInteger(dict, "ro") === 1 ? { readOnly: true } : {};
  if (method === "find_node" || method === "get" || method === "sample_infohashes") {
    return { ...base, ...readOnly, target: idOf(a, "target") };
  }
  if (method === "get_peers") return { ...base, ...readOnly, infoHash: idOf(a, "info_hash") };
  if (method !== "announce_peer") return { ...base, ...readOnly };
  const impliedPort = getInteger(a, "implied_port") === 1;
  const port = getInteger(a, "port");
  if (!impliedPort && (port === undefined || port < 1 || port > 65_535)) {
    bad("port", get(a, "port")?.start ?? a.start, "port is no port");
  }
  const token = getBytes(a, "token");
  if (token === undefined) bad("token", a.start, "an announce without token");
  return {
    ...base,
    ...readOnly,
    infoHash: idOf(a, "info_hash"),
    impliedPort,
    token,
    ...(port === undefined ? {} : { port }),
  };
}

function response(dict: BencodeNode, transactionId: Uint8Array): KrpcResponse {
  const r = get(dict, "r");
  if (r?.kind !== "dict") bad("response", r?.start ?? 0, "r is no dictionary");
  const id = idOf(r, "id");
  const token = getBytes(r, "token");
  const found = [
    ...nodes(getBytes(r, "nodes") ?? EMPTY, 26),
    ...nodes(getBytes(r, "nodes6") ?? EMPTY, 38),
  ];
  const values = (getList(r, "values") ?? []).flatMap((item) =>
    item.kind === "string" && (item.bytes.length === 6 || item.bytes.length === 18)
      ? contacts(item.bytes, item.bytes.length)
      : [],
  );
  return {
    y: "r",
    transactionId,
    dict,
    id,
    nodes: found,
    values,
    ...(token === undefined ? {} : { token }),
  };
}

const EMPTY = new Uint8Array(0);

function error(dict: BencodeNode, transactionId: Uint8Array): KrpcError {
  const e = getList(dict, "e");
  const code = e?.[0];
  const text = e?.[1];
  if (code?.kind !== "integer" || text?.kind !== "string")
    bad("error", get(dict, "e")?.start ?? 0, "e is not code and message");
  return {
    y: "e",
    transactionId,
    dict,
    code: Number(code.value),
    message: utf8(text.bytes, 0, text.bytes.length),
  };
}

/** The octets of a message, from its dictionary. */
export function encodeKrpc(message: KrpcMessage): Uint8Array {
  return encode(plain(message.dict));
}

/** A query. `args` without `id`. */
export function encodeQuery(
  transactionId: Uint8Array,
  method: string,
  id: Uint8Array,
  args: Readonly<Record<string, Bencodable>> = {},
): Uint8Array {
  return encode({ t: transactionId, y: "q", q: method, a: { ...args, id } });
}

export function encodeResponse(
  transactionId: Uint8Array,
  id: Uint8Array,
  values: Readonly<Record<string, Bencodable>> = {},
): Uint8Array {
  return encode({ t: transactionId, y: "r", r: { ...values, id } });
}

export function encodeError(transactionId: Uint8Array, code: number, message: string): Uint8Array {
  return encode({ t: transactionId, y: "e", e: [code, message] });
}

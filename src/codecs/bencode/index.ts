/** Bencode: BEP 3. */
export { compare, decode, decodePrefix, MAX_DEPTH } from "./decode.ts";
export type { Bencodable } from "./encode.ts";
export { encode, plain } from "./encode.ts";
export type { BencodeJson } from "./json.ts";
export { stringsOf, toJson } from "./json.ts";
export type {
  BencodeDict,
  BencodeEntry,
  BencodeInteger,
  BencodeList,
  BencodeNode,
  BencodeString,
} from "./node.ts";
export { get, getBytes, getInteger, getList, getText } from "./node.ts";

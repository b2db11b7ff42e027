/** The words of `netkit dns resolve`: names, types and servers, as dig takes them. */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { classCode, TYPE, typeCode } from "../../codecs/dns/index.ts";
import { canonicalText } from "../../codecs/dns/name.ts";
import { EncodeError } from "../../codecs/errors.ts";
import { reverseName } from "../../engines/dns/client/address-name.ts";
import { CommandError } from "../../failure.ts";

export interface Asked {
  /** Absolute with its last dot, or relative: the search list applies. */
  readonly name: string;
  readonly type: number;
}

export interface ServerWord {
  readonly transport: "udp" | "tls" | "https";
  /** An address or a name; for https the whole URL. */
  readonly host: string;
  readonly port: number;
}

/** A line of a file of names that is none. */
export interface RefusedLine {
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

export interface Words {
  readonly questions: readonly Asked[];
  readonly servers: readonly ServerWord[];
  readonly refused: readonly RefusedLine[];
}

const DNS_PORT = 53;
const DOT_PORT = 853;

/**
 * `@server`, types and names in any order; types hold for all names. `lines`: `NAME [TYPE...]` each;
 * one that is bad does not keep the others from being asked. @throws CommandError
 */
export function readWords(words: readonly string[], lines: readonly string[] = []): Words {
  const servers: ServerWord[] = [];
  const types: number[] = [];
  const names: string[] = [];
  for (const word of words) {
    if (word.startsWith("@")) {
      servers.push(serverOf(word.slice(1)));
      continue;
    }
    const mayBeType = lines.length > 0 || words.length > 1;
    const type = mayBeType && !word.includes(".") ? typeCode(word) : undefined;
    if (type !== undefined) types.push(type);
    else if (names.length > 0 && looksLikeType(word)) throw new CommandError(noType(word));
    else names.push(word);
  }
  const refused: RefusedLine[] = [];
  const listed = lines.flatMap((text, i) => {
    try {
      return questionsOfLine(text, types);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      refused.push({ line: i + 1, text: text.trim(), why: error.message });
      return [];
    }
  });
  if (names.length + listed.length + refused.length === 0)
    throw new CommandError("a name is missing; see --help");
  const questions = [...listed, ...names.flatMap((name) => questionsOf(name, types))];
  return { questions, servers, refused };
}

/** As types are written. As a name it would be one label of capitals, which nobody writes. */
function looksLikeType(word: string): boolean {
  return /^[A-Z][A-Z0-9-]*$/.test(word);
}

function noType(word: string): string {
  const rdclass = classCode(word) === undefined ? "" : ` (the class: --class ${word})`;
  return `${word} is no record type that is known${rdclass}; any is TYPE and its number, and the name is ${word}. with a dot`;
}

function questionsOfLine(text: string, types: readonly number[]): Asked[] {
  const [name, ...own] = text.replace(/#.*/, "").trim().split(/\s+/);
  if (name === undefined || name === "") return [];
  if (name.startsWith("@"))
    throw new CommandError(`${name}: a server is a word of the command, a line is NAME [TYPE...]`);
  const wanted = own.map((word) => {
    const type = typeCode(word);
    if (type === undefined)
      throw new CommandError(`${word} is no record type; a line is NAME [TYPE...]`);
    return type;
  });
  return questionsOf(name, wanted.length > 0 ? wanted : types);
}

function questionsOf(word: string, types: readonly number[]): Asked[] {
  const reverse = reverseName(word);
  if (reverse !== undefined && types.length === 0) return [{ name: reverse, type: TYPE.PTR }];
  const name = nameOf(word);
  // What a program that opens a connection asks for.
  const wanted = types.length === 0 ? [TYPE.A, TYPE.AAAA] : types;
  return wanted.map((type) => ({ name, type }));
}

/** U-labels become A-labels (UTS 46); what is ASCII stays, escaped as the codec does it. @throws CommandError */
export function nameOf(word: string): string {
  const isAscii = [...word].every((c) => c.charCodeAt(0) < 0x80);
  const name = isAscii ? word : domainToASCII(word);
  if (name === "") throw new CommandError(`${word} is no domain name (UTS 46)`);
  try {
    return canonicalText(name);
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw new CommandError(error.message);
  }
}

/** `192.0.2.53`, `ns.example:5300`, `[2001:db8::1]:53`, `tls://host`, `https://host/path`. */
export function serverOf(text: string): ServerWord {
  if (text.startsWith("https://")) {
    if (!URL.canParse(text)) throw new CommandError(`@${text} is no URL`);
    const { port } = new URL(text);
    return { transport: "https", host: text, port: Number(port === "" ? 443 : port) };
  }
  const tls = text.startsWith("tls://");
  const rest = text.replace(/^(tls|udp):\/\//, "").replace(/\/$/, "");
  const standard = tls ? DOT_PORT : DNS_PORT;
  const transport = tls ? "tls" : "udp";
  if (isIP(rest) !== 0) return { transport, host: rest, port: standard };
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/]+))(?::([0-9]{1,5}))?$/.exec(rest);
  const port = Number(parts?.[3] ?? standard);
  if (parts === null || port < 1 || port > 65_535)
    throw new CommandError(`@${text}: not a server's name or address with a port`);
  return { transport, host: (parts[1] ?? parts[2]) as string, port };
}

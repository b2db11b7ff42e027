/** `netkit send`: bytes verbatim to a peer, the reply decoded by its codec. */
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import type { Issue } from "../codecs/errors.ts";
import { DecodeError } from "../codecs/errors.ts";
import { hex, strictUtf8 } from "../codecs/reader.ts";
import { NetkitCommand } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";
import { messageCodec } from "../message/codecs.ts";
import type { InputForm } from "../message/input.ts";
import { readInput } from "../message/input.ts";
import { toJsonValue } from "../message/json.ts";
import { ByteOutput } from "../net/capture/output.ts";
import type { Exchange } from "../net/live/exchange.ts";
import { ExchangeError, exchangeDatagram, exchangeStream } from "../net/live/exchange.ts";

export const sendArgs = {
  peer: Args.string({
    required: true,
    ignoreStdin: true,
    description: "HOST:PORT, or [IPv6]:PORT",
  }),
  input: Args.string({
    ignoreStdin: true,
    description:
      "a file, hex or base64; - or nothing for standard input, typed by hand on a terminal",
  }),
};

export const sendFlags = {
  input: Flags.string({
    description: "how the input is written",
    options: ["auto", "raw", "hex", "base64"],
    default: "auto",
  }),
  protocol: Flags.string({
    char: "p",
    description: "codec of the reply; auto tells it by port and first bytes",
    options: ["auto", "dns", "http", "sip", "torrent", "none"],
    default: "auto",
  }),
  raw: Flags.boolean({ description: "print the reply's bytes as they are" }),
  crlf: Flags.boolean({ description: "end typed lines with CR LF", default: true, allowNo: true }),
  timeout: Flags.integer({
    description: "milliseconds for the whole exchange",
    default: 10_000,
    min: 1,
  }),
  idle: Flags.integer({
    description: "milliseconds of silence that end the reply",
    default: 1000,
    min: 1,
  }),
  pcap: Flags.string({ description: "write the exchange to this capture file" }),
};

export type SendFlags = {
  readonly input: string;
  readonly protocol: string;
  readonly raw: boolean;
  readonly crlf: boolean;
  readonly timeout: number;
  readonly idle: number;
  readonly pcap?: string | undefined;
  readonly insecure?: boolean;
};

/** Bytes of a reply that are kept. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

export function peerOf(text: string): { readonly host: string; readonly port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port < 1 || port > 65_535) throw new CommandError(`${text}: not HOST:PORT`);
  return { host: (parts[1] ?? parts[2]) as string, port };
}

export abstract class SendCommand extends NetkitCommand {
  protected async send(
    transport: "tcp" | "udp" | "tls",
    peer: string,
    input: string | undefined,
    flags: SendFlags,
  ): Promise<void> {
    const { host, port } = peerOf(peer);
    const options = {
      host,
      port,
      timeout: flags.timeout,
      idle: flags.idle,
      maxBytes: MAX_REPLY_BYTES,
      verify: flags.insecure !== true,
    };
    let exchange: Exchange;
    try {
      exchange =
        transport === "udp"
          ? await exchangeDatagram(readInput(input, flags.input as InputForm), options)
          : await exchangeStream(chunksOf(input, flags), { ...options, tls: transport === "tls" });
    } catch (error) {
      if (error instanceof ExchangeError) throw new CommandError(error.message, EXIT.network);
      throw error;
    }
    if (flags.pcap !== undefined) {
      const out = new ByteOutput(flags.pcap);
      out.write(exchange.trace.bytes());
      out.commit();
    }
    await report(exchange, transport, port, flags);
  }
}

/** What is to be sent: all at once, or line by line as it is typed. */
async function* chunksOf(input: string | undefined, flags: SendFlags): AsyncIterable<Uint8Array> {
  const typed = (input === undefined || input === "-") && isatty(0);
  if (!typed) {
    yield readInput(input, flags.input as InputForm);
    return;
  }
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) yield Buffer.from(`${line}${flags.crlf ? "\r\n" : "\n"}`);
}

async function report(
  exchange: Exchange,
  transport: string,
  port: number,
  flags: SendFlags,
): Promise<void> {
  const { reply, end } = exchange;
  if (reply.length === 0) {
    throw new CommandError(
      end === "closed" ? "the peer closed without a reply" : `no reply within ${flags.timeout} ms`,
      EXIT.network,
    );
  }
  const out = new ByteOutput();
  if (flags.raw) {
    out.write(reply);
    return;
  }
  const messages = transport === "udp" ? exchange.datagrams : [reply];
  for (const bytes of messages)
    out.text(`${await rendered(bytes, transport, port, flags.protocol)}\n`);
  if (end === "timeout" || end === "limit")
    process.stderr.write(`netkit: the reply was cut off: ${end}\n`);
}

/** The reply as JSON of its message; as text or hex where no codec takes it. */
async function rendered(
  bytes: Uint8Array,
  transport: string,
  port: number,
  wanted: string,
): Promise<string> {
  const protocol = wanted === "auto" ? guess(bytes, port) : wanted;
  if (protocol === undefined || protocol === "none") return plain(bytes);
  // RFC 1035 4.2.2: two octets of length on streams.
  const framed = protocol === "dns" && transport !== "udp";
  try {
    const codec = await messageCodec(protocol);
    const issues: Issue[] = [];
    const message = codec.decode(framed ? bytes.subarray(2) : bytes, {
      tolerate: (issue) => void issues.push(issue),
    });
    const json = { ...(toJsonValue(message) as object), ...(issues.length > 0 ? { issues } : {}) };
    return JSON.stringify(json, undefined, 2);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    process.stderr.write(`netkit: not ${protocol}: ${error.message} at byte ${error.offset}\n`);
    return plain(bytes);
  }
}

function guess(bytes: Uint8Array, port: number): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 20)).toString("latin1");
  if (/^HTTP\/[0-9]/.test(head)) return "http";
  if (/^SIP\/[0-9]/.test(head)) return "sip";
  if (head.startsWith("\x13BitTorrent")) return "torrent";
  return port === 53 || port === 5353 || port === 8053 ? "dns" : undefined;
}

function plain(bytes: Uint8Array): string {
  const text = strictUtf8(bytes, 0, bytes.length);
  if (text === undefined) return hex(bytes);
  // Whatever a peer sends must not steer the terminal.
  return text
    .replace(/[^\P{Cc}\t\r\n]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .trimEnd();
}

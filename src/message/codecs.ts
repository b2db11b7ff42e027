/** The codecs of single messages, for `netkit <protocol> decode|encode` and for replies of `netkit send`. */
import { createHash } from "node:crypto";
import type { Issue } from "../codecs/errors.ts";
import { CommandError, EXIT } from "../failure.ts";

export interface DecodeSettings {
  readonly tolerate?: (issue: Issue) => void;
  /** Of the request that an HTTP response answers. */
  readonly requestMethod?: string;
}

export interface MessageCodec {
  decode(bytes: Uint8Array, settings: DecodeSettings): object;
  encode(message: object): Uint8Array;
}

function tolerance(settings: DecodeSettings): { tolerate?: (issue: Issue) => void } {
  return settings.tolerate === undefined ? {} : { tolerate: settings.tolerate };
}

/** Loaded when used: a command starts with one codec only. */
export async function messageCodec(protocol: string): Promise<MessageCodec> {
  switch (protocol) {
    case "dns": {
      const dns = await import("../codecs/dns/index.ts");
      return {
        decode: (bytes, settings) => dns.decode(bytes, tolerance(settings)),
        encode: (message) => dns.encode(message as never),
      };
    }
    case "http": {
      const http = await import("../codecs/http/index.ts");
      return {
        decode: (bytes, settings) =>
          http.decode(bytes, {
            ...tolerance(settings),
            ...(settings.requestMethod === undefined
              ? {}
              : { requestMethod: settings.requestMethod }),
          }),
        encode: (message) => http.encode(message as never),
      };
    }
    case "sip": {
      const sip = await import("../codecs/sip/index.ts");
      return {
        decode: (bytes, settings) => {
          const issues: Issue[] = [];
          const tolerate = (issue: Issue) => {
            issues.push(issue);
            settings.tolerate?.(issue);
          };
          const strict = settings.tolerate === undefined;
          const { message, parts } = sip.readMessage(
            bytes,
            0,
            bytes.length,
            strict ? {} : { tolerate },
          );
          return { ...message, verdict: sip.verdict(message, parts, issues) };
        },
        encode: (message) => sip.encode(message as never),
      };
    }
    case "torrent":
      return await torrentCodec();
    default:
      throw new CommandError(`no codec for ${protocol}`);
  }
}

async function torrentCodec(): Promise<MessageCodec> {
  const { torrentDecode, torrentEncode } = await import("./torrent.ts");
  const hash = (name: string) => (bytes: Uint8Array) =>
    new Uint8Array(createHash(name).update(bytes).digest());
  return {
    decode: (bytes, settings) =>
      torrentDecode(bytes, tolerance(settings), { sha1: hash("sha1"), sha256: hash("sha256") }),
    encode: (message) => torrentEncode(message),
  };
}

/** An object, for what claims to be a message. @throws CommandError */
export function messageObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CommandError("the input is no JSON object", EXIT.input);
  }
  return value as Record<string, unknown>;
}

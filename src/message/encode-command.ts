/** `netkit <protocol> encode`: the JSON of a message as bytes. */
import { isDeepStrictEqual } from "node:util";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { hex } from "../codecs/reader.ts";
import { fromHex, toBase64 } from "../codecs/writer.ts";
import { NetkitCommand } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";
import { ByteOutput } from "../net/capture/output.ts";
import { messageCodec, messageObject } from "./codecs.ts";
import { readInput } from "./input.ts";
import { fromJsonValue, toJsonValue } from "./json.ts";

export const encodeArgs = {
  input: Args.string({
    ignoreStdin: true,
    description: "a file with the JSON that decode prints; standard input when it is left out or -",
  }),
};

export const encodeFlags = {
  to: Flags.string({
    description: "how the bytes are written [default: hex on a terminal, else raw]",
    options: ["raw", "hex", "base64"],
  }),
  output: Flags.string({
    char: "o",
    description: "write to this file, which appears whole or not at all",
  }),
};

export abstract class EncodeCommand extends NetkitCommand {
  protected async encodeWith(
    protocol: string,
    argument: string | undefined,
    flags: { readonly to?: string | undefined; readonly output?: string | undefined },
  ): Promise<void> {
    const text = Buffer.from(readInput(argument, "raw")).toString("utf8");
    const json = messageObject(parse(text));
    const { wire, issues: _issues, verdict: _verdict, content: _content, ...rest } = json;
    const codec = await messageCodec(protocol);
    const kept = typeof wire === "string" ? fromHex(wire) : undefined;
    const bytes =
      kept !== undefined && isUnchanged(() => codec.decode(kept, { tolerate: () => {} }), rest)
        ? kept
        : codec.encode(fromJsonValue(rest) as object);
    const out = new ByteOutput(flags.output);
    const form = flags.to ?? (flags.output === undefined && process.stdout.isTTY ? "hex" : "raw");
    if (form === "raw") out.write(bytes);
    else out.text(`${form === "hex" ? hex(bytes) : toBase64(bytes)}\n`);
    out.commit();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`not JSON: ${(error as Error).message}`, EXIT.input);
  }
}

/** Whether the bytes kept by decode still say what the JSON says. */
function isUnchanged(decode: () => object, rest: object): boolean {
  try {
    const { verdict: _verdict, ...message } = toJsonValue(decode()) as Record<string, unknown>;
    return isDeepStrictEqual(JSON.parse(JSON.stringify(message)), rest);
  } catch {
    return false; // The kept bytes are no message any more: then the JSON alone counts.
  }
}

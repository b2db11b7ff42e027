/** `netkit <protocol> decode`: one message as JSON. */
import { isDeepStrictEqual } from "node:util";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import type { Issue } from "../codecs/errors.ts";
import type { HttpMessage } from "../codecs/http/index.ts";
import { hex } from "../codecs/reader.ts";
import { NetkitCommand } from "../command.ts";
import { messageCodec } from "./codecs.ts";
import type { InputForm } from "./input.ts";
import { readInput } from "./input.ts";
import { toJsonValue } from "./json.ts";

export const decodeArgs = {
  input: Args.string({
    ignoreStdin: true,
    description: "hex, base64 or a file; standard input when it is left out or -",
  }),
};

export const decodeFlags = {
  input: Flags.string({
    description: "how the input is written",
    options: ["auto", "raw", "hex", "base64"],
    default: "auto",
  }),
  strict: Flags.boolean({ description: "refuse at the first deviation (exit 3)" }),
  compact: Flags.boolean({ char: "c", description: "JSON on one line" }),
};

export abstract class DecodeCommand extends NetkitCommand {
  /** Prints the message. `requestMethod`: of the request that an HTTP response answers. */
  protected async decodeWith(
    protocol: string,
    argument: string | undefined,
    flags: {
      readonly input: string;
      readonly strict: boolean;
      readonly compact: boolean;
      readonly method?: string | undefined;
      readonly content?: boolean;
    },
  ): Promise<void> {
    const bytes = readInput(argument, flags.input as InputForm);
    const codec = await messageCodec(protocol);
    const issues: Issue[] = [];
    const message = codec.decode(bytes, {
      ...(flags.strict ? {} : { tolerate: (issue: Issue) => void issues.push(issue) }),
      ...(flags.method === undefined ? {} : { requestMethod: flags.method }),
    });
    const out: Record<string, unknown> = { ...(toJsonValue(message) as object) };
    if (flags.content === true) out["content"] = toJsonValue(await contentOf(message));
    if (issues.length > 0) out["issues"] = issues;
    // Where the encoder would write the same message otherwise (compression, folding), the bytes are kept.
    if (!encodesBack(() => codec.encode(message), bytes)) out["wire"] = hex(bytes);
    process.stdout.write(`${JSON.stringify(out, undefined, flags.compact ? undefined : 2)}\n`);
  }
}

/** The body of an HTTP message without its content coding. @throws CommandError */
async function contentOf(message: object): Promise<Uint8Array> {
  const { decodedContent } = await import("./content.ts");
  return decodedContent(message as HttpMessage);
}

function encodesBack(encode: () => Uint8Array, bytes: Uint8Array): boolean {
  try {
    return isDeepStrictEqual(Buffer.from(encode()), Buffer.from(bytes));
  } catch {
    return false; // What was tolerated need not be encodable.
  }
}

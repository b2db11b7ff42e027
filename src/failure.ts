/** One clear line on stderr and the documented exit code for everything that goes wrong. */
import { DecodeError, EncodeError } from "./codecs/errors.ts";
import { CaptureError } from "./net/capture/errors.ts";
import { safe } from "./render/safe.ts";

/** The table of the README. */
export const EXIT = {
  done: 0,
  negative: 1,
  usage: 2,
  input: 3,
  network: 4,
  bug: 70,
  interrupted: 130,
} as const;

/** A command's own refusal: the message for people and the exit code. */
export class CommandError extends Error {
  readonly exitCode: number;
  /** For scripts: what the message says, in fields. */
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    message: string,
    exitCode: number = EXIT.usage,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
    this.details = details;
  }
}

interface OclifError extends Error {
  oclif?: { exit?: number };
  code?: string;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (
    error instanceof CaptureError ||
    error instanceof DecodeError ||
    error instanceof EncodeError
  ) {
    return EXIT.input;
  }
  const { oclif, code } = error as OclifError;
  if (oclif?.exit === 0 || code === "EEXIT") return oclif?.exit ?? 0;
  if (oclif?.exit !== undefined) return EXIT.usage;
  return EXIT.bug;
}

export function failureLine(error: unknown): string {
  if (error instanceof DecodeError) {
    return `${error.message} (${error.code} at byte ${error.offset}, ${error.spec})`;
  }
  if (error instanceof EncodeError) return `${error.message} (${error.code}, ${error.spec})`;
  const { message } = error as Error;
  if (error instanceof CommandError) return message;
  // oclif adds a second line that points at --help, and lists below the first line.
  const flat = message.replace(/^Parsing (--\S+)\s*\n\s*/, (_, flag: string) => `${flag}: `);
  return flat
    .replace(/^The following errors? occurred:\s*/, "")
    .replace(/\n+See more help with --help\s*$/, "; see --help")
    .replace(/\n+\s*/g, "; ");
}

/** The failure as a script reads it, on stdout. */
export function failureJson(error: unknown): object {
  const details = error instanceof CommandError ? error.details : {};
  return { error: failureLine(error), exitCode: exitCodeOf(error), ...details };
}

/** Prints the line and sets the exit code. A bug of ours prints its stack as well. */
export function reportFailure(error: unknown): void {
  const exitCode = exitCodeOf(error);
  process.exitCode = exitCode;
  if (exitCode === 0 || (error as OclifError).code === "EEXIT") return;
  // What a flag or a server said may hold line ends and worse.
  process.stderr.write(`netkit: ${safe(failureLine(error))}\n`);
  if (exitCode === EXIT.bug) process.stderr.write(`${(error as Error).stack ?? ""}\n`);
}

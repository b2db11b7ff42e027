/** What a codec says about bytes that break their protocol's rules. */

/** One deviation: where it starts and which rule it breaks. */
export interface Issue {
  /** Stable dotted name, e.g. `dns.name.forward-pointer`. */
  readonly code: string;
  /** Byte offset from the start of the decoded message at which the fault starts. */
  readonly offset: number;
  /** The rule that is broken, e.g. `RFC 1035 4.1.4`. */
  readonly spec: string;
  readonly message: string;
}

export interface DecodeOptions {
  /**
   * When given, each deviation that can be survived is reported here and decoding goes on;
   * when not, the first one throws. What cannot be survived throws in either case.
   */
  readonly tolerate?: ((issue: Issue) => void) | undefined;
}

/**
 * The only thing a decoder throws. Built without a stack trace: on a cut capture one is made
 * per packet, and collecting stacks cost three quarters of the speed.
 */
export class DecodeError extends Error implements Issue {
  readonly code: string;
  readonly offset: number;
  readonly spec: string;

  constructor(code: string, offset: number, spec: string, message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = "DecodeError";
    this.code = code;
    this.offset = offset;
    this.spec = spec;
  }

  toIssue(): Issue {
    return { code: this.code, offset: this.offset, spec: this.spec, message: this.message };
  }
}

/** The only thing an encoder throws: a field does not fit its place on the wire. */
export class EncodeError extends Error {
  readonly code: string;
  readonly spec: string;

  constructor(code: string, spec: string, message: string) {
    super(message);
    this.name = "EncodeError";
    this.code = code;
    this.spec = spec;
  }
}

/** Reports a survivable deviation to `options.tolerate`, or throws it when decoding is strict. */
export function deviate(
  options: DecodeOptions,
  code: string,
  offset: number,
  spec: string,
  message: string,
): void {
  if (options.tolerate === undefined) throw new DecodeError(code, offset, spec, message);
  options.tolerate({ code, offset, spec, message });
}

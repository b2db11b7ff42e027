/** A message that a decoder must accept or refuse. */
export interface Vector {
  /** Unique in its protocol. */
  readonly id: string;
  /** The rule that decides. */
  readonly spec: string;
  readonly expect: "accept" | "refuse";
  /** What is special about it. */
  readonly about: string;
  readonly bytes: Uint8Array;
}

/** `[id, spec, expect, about, text]`, each code point of the text an octet. */
export type TextRow = readonly [string, string, "accept" | "refuse", string, string];

export function fromText(rows: readonly TextRow[]): Vector[] {
  return rows.map(([id, spec, expect, about, text]) => ({
    id,
    spec,
    expect,
    about,
    bytes: Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff),
  }));
}

/** As `fromText` with hex digits; blanks are allowed. */
export function fromHexRows(rows: readonly TextRow[]): Vector[] {
  return rows.map(([id, spec, expect, about, digits]) => {
    const pairs = digits.replace(/\s/g, "").match(/../g) ?? [];
    return {
      id,
      spec,
      expect,
      about,
      bytes: Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)),
    };
  });
}

/** `$GENERATE` of BIND: one line that stands for many records. BIND 9 ARM, "BIND Primary File Extension". */
import { typeCode } from "./constants.ts";
import type { Entry, Token } from "./tokens.ts";
import { entries, zoneError } from "./tokens.ts";

/** As many as a /8 of IPv4 has; a slip of the pen has more. */
const MAX_RECORDS = 1 << 24;
const MAX_WIDTH = 255;

/** The entries that a `$GENERATE` stands for. @throws DecodeError */
export function* generated(entry: Entry): Generator<Entry> {
  const [name, range, owner, ...rest] = entry.tokens as readonly [Token, ...Token[]];
  const wrong = (token: Token, message: string) =>
    zoneError("generate", token.at, entry.line, message);
  if (range === undefined || owner === undefined || rest.length < 2)
    throw wrong(name, "$GENERATE is START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE RDATA");
  const parts = /^([0-9]{1,10})-([0-9]{1,10})(?:\/([0-9]{1,10}))?$/.exec(range.text);
  const [start, stop, step] = [1, 2, 3].map((i) => Number(parts?.[i] ?? 1)) as [
    number,
    number,
    number,
  ];
  if (parts === null || stop > 0x7fffffff || start > stop || step < 1)
    throw wrong(range, `${range.text} is no START-STOP[/STEP]`);
  if ((stop - start) / step >= MAX_RECORDS)
    throw wrong(range, `${range.text} is more than ${MAX_RECORDS} records`);
  const words = [owner, ...unquoted(rest, entry)];
  for (let n = start; n <= stop; n += step) {
    const tokens = words.map((token) => {
      const text = expand(token.text, n);
      if (typeof text === "string") return { ...token, text };
      throw wrong(token, `${token.text}: ${text.why}`);
    });
    yield { tokens, indented: false, line: entry.line };
  }
}

/** Data of several words stand in quotes: `MX "10 mail$"`. */
function unquoted(tokens: readonly Token[], entry: Entry): readonly Token[] {
  const last = tokens.at(-1) as Token;
  const before = tokens.at(-2) as Token;
  if (!last.quoted || typeCode(before.text) === undefined) return tokens;
  const inner = [...entries(last.text)].flatMap((one) => one.tokens);
  if (inner.length === 0) throw zoneError("generate", last.at, entry.line, "there are no data");
  return [...tokens.slice(0, -1), ...inner.map((token) => ({ ...token, at: last.at }))];
}

/** `$` is the number, `${OFFSET,WIDTH,BASE}` the number in another form, `$$` and `\$` a dollar. */
function expand(text: string, n: number): string | { readonly why: string } {
  let why: string | undefined;
  const out = text.replace(
    /\\\$|\\.|\$\$|\$(?:\{([^}]*)(\}?))?/gs,
    (found: string, form: string | undefined, end: string | undefined) => {
      if (found === "\\$" || found === "$$") return "$";
      if (found.startsWith("\\")) return found;
      if (form === undefined) return String(n);
      const value = end === "}" ? formed(form, n) : undefined;
      if (value === undefined) why ??= `${found} is no \${OFFSET[,WIDTH[,BASE]]} of a number`;
      return value ?? "";
    },
  );
  return why === undefined ? out : { why };
}

const RADIX: Readonly<Record<string, number>> = { d: 10, o: 8, x: 16 };

function formed(form: string, n: number): string | undefined {
  const parts = /^([+-]?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?$/.exec(form);
  if (parts === null) return undefined;
  const value = n + Number(parts[1]);
  const width = Number(parts[2] ?? 0);
  const base = parts[3] ?? "d";
  if (value < 0 || width > MAX_WIDTH) return undefined;
  const lower = base.toLowerCase();
  const text =
    lower === "n"
      ? nibbles(value, width)
      : value.toString(RADIX[lower] as number).padStart(width, "0");
  return base === lower ? text : text.toUpperCase();
}

/** Hex digits as labels, the last first, as ip6.arpa has them (RFC 3596 2.5); `width` counts dots too. */
function nibbles(value: number, width: number): string {
  let rest = value;
  let out = "";
  do {
    out += (rest % 16).toString(16);
    rest = Math.floor(rest / 16);
    if (rest > 0 || out.length < width) out += ".";
  } while (rest > 0 || out.length < width);
  return out;
}

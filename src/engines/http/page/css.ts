/** What a style sheet makes a browser fetch, in the order in which it could know. CSS Syntax 4.3, CSS Cascade 2, CSS Fonts 4.3. */
import type { CSSToken } from "@csstools/css-tokenizer";
import { TokenType, tokenize } from "@csstools/css-tokenizer";

export interface Reference {
  /** As written, not resolved. */
  readonly url: string;
  readonly kind: "style" | "script" | "image" | "font" | "media" | "document" | "other";
}

/** Octets of one sheet that are looked at. */
const MAX_SHEET_CHARS = 4 * 1024 * 1024;

export function styleReferences(sheet: string): Reference[] {
  const tokens = tokenize({ css: sheet.slice(0, MAX_SHEET_CHARS) });
  const found: Reference[] = [];
  let depth = 0;
  /** Depth of the @font-face block that we are in, and whether it has its file. */
  let face = -1;
  let faceDone = false;
  let importing = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as CSSToken;
    switch (token[0]) {
      case TokenType.AtKeyword: {
        const name = token[4].value.toLowerCase();
        importing = name === "import" && depth === 0;
        if (name === "font-face") {
          face = depth + 1;
          faceDone = false;
        }
        break;
      }
      case TokenType.OpenCurly:
        depth++;
        importing = false;
        break;
      case TokenType.CloseCurly:
        if (face === depth) face = -1;
        depth = Math.max(0, depth - 1);
        break;
      case TokenType.Semicolon:
        importing = false;
        break;
      default: {
        const url = urlAt(tokens, i, importing);
        if (url === undefined || url === "" || url.startsWith("#")) break;
        if (importing) {
          found.push({ url, kind: "style" });
          importing = false;
        } else if (face === depth && face > 0) {
          // Of the sources a browser takes the first whose format it knows.
          if (!faceDone && knownFormat(tokens, i)) {
            found.push({ url, kind: "font" });
            faceDone = true;
          }
        } else found.push({ url, kind: "image" });
      }
    }
  }
  return found;
}

/** `url(x)`, `url("x")`, and where a string alone names a sheet, that. */
function urlAt(tokens: readonly CSSToken[], i: number, strings: boolean): string | undefined {
  const token = tokens[i] as CSSToken;
  if (token[0] === TokenType.URL) return token[4].value;
  if (token[0] === TokenType.Function && token[4].value.toLowerCase() === "url") {
    for (let j = i + 1; j < tokens.length; j++) {
      const next = tokens[j] as CSSToken;
      if (next[0] === TokenType.Whitespace) continue;
      return next[0] === TokenType.String ? next[4].value : undefined;
    }
    return undefined;
  }
  return strings && token[0] === TokenType.String ? token[4].value : undefined;
}

const FORMATS: ReadonlySet<string> = new Set([
  "woff2",
  "woff",
  "truetype",
  "opentype",
  "woff2-variations",
  "truetype-variations",
]);

/** A `format()` behind the url that no browser of today knows rules it out. */
function knownFormat(tokens: readonly CSSToken[], i: number): boolean {
  for (let j = i + 1; j < tokens.length; j++) {
    const token = tokens[j] as CSSToken;
    if (token[0] === TokenType.Comma || token[0] === TokenType.Semicolon) return true;
    if (token[0] === TokenType.CloseCurly) return true;
    if (token[0] !== TokenType.Function || token[4].value.toLowerCase() !== "format") continue;
    const value = tokens.slice(j + 1).find((one) => one[0] !== TokenType.Whitespace);
    if (value?.[0] === TokenType.String || value?.[0] === TokenType.Ident) {
      return FORMATS.has(value[4].value.toLowerCase());
    }
  }
  return true;
}

/**
 * Pages whose objects are fetched from a CDN: URLs of embedded objects get the CDN's name in front of
 * the site's, all else stays octet for octet. `http://www.foo.com/a.gif` becomes
 * `http://cdn.example/www.foo.com/a.gif`, and `a.gif` on the page `/dir/` of that site likewise.
 */
import type { Token } from "parse5";
import { htmlTokens } from "./html-tokens.ts";

export interface RewriteOptions {
  /** Where the page is, for references that are relative. */
  readonly base: string;
  /** Names of the site whose objects the CDN has. */
  readonly sites: ReadonlySet<string>;
  /** Scheme, name and port of the CDN: `http://cdn.example`. */
  readonly cdn: string;
}

/** Attributes that make a browser fetch at once; links that people follow are left alone. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  img: ["src", "srcset"],
  source: ["src", "srcset"],
  script: ["src"],
  link: ["href"],
  video: ["src", "poster"],
  audio: ["src"],
  track: ["src"],
  embed: ["src"],
  object: ["data"],
  input: ["src"],
};
const LINKS = /\b(?:stylesheet|icon|preload|modulepreload|apple-touch-icon)\b/i;
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export function rewritePage(page: string, options: RewriteOptions): string {
  const edits: Edit[] = [];
  let { base } = options;
  let based = false;
  const tokenizer = htmlTokens({
    startTag: (tag) => {
      if (tag.tagName === "base" && !based) {
        const href = tag.attrs.find(({ name }) => name === "href")?.value;
        if (href !== undefined && URL.canParse(href, base)) base = new URL(href, base).href;
        based = true;
      }
      edits.push(...editsOf(tag, page, base, options));
    },
  });
  tokenizer.write(page, true);
  let out = "";
  let at = 0;
  for (const { from, to, text } of edits) {
    out += page.slice(at, from) + text;
    at = to;
  }
  return out + page.slice(at);
}

function editsOf(tag: Token.TagToken, page: string, base: string, options: RewriteOptions): Edit[] {
  const names = ATTRIBUTES[tag.tagName];
  if (names === undefined) return [];
  const value = (name: string) => tag.attrs.find((one) => one.name === name)?.value;
  if (tag.tagName === "link" && !LINKS.test(value("rel") ?? "")) return [];
  if (tag.tagName === "input" && value("type")?.toLowerCase() !== "image") return [];
  const edits: Edit[] = [];
  for (const { name, value: reference } of tag.attrs) {
    const place = tag.location?.attrs?.[name];
    if (!names.includes(name) || place === undefined) continue;
    const changed =
      name === "srcset" ? srcset(reference, base, options) : moved(reference, base, options);
    if (changed === undefined) continue;
    // The name as it was written, and a value that needs no entity but those two.
    const written = page.slice(place.startOffset, place.endOffset).split("=", 1)[0] as string;
    const text = changed.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    edits.push({
      from: place.startOffset,
      to: place.endOffset,
      text: `${written.trimEnd()}="${text}"`,
    });
  }
  return edits.sort((a, b) => a.from - b.from);
}

/** Undefined: no object of the site. */
function moved(reference: string, base: string, options: RewriteOptions): string | undefined {
  const text = reference.trim();
  if (text === "" || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (!options.sites.has(url.hostname)) return undefined;
  return `${options.cdn}/${url.hostname}${url.pathname}${url.search}${url.hash}`;
}

function srcset(value: string, base: string, options: RewriteOptions): string | undefined {
  let changed = false;
  const text = value.replace(
    /(^|,\s*|\s)([^\s,]+:\/\/[^\s,]+|[^\s,]+\.[^\s,]+)/g,
    (all, before: string, url: string) => {
      const to = moved(url, base, options);
      if (to === undefined) return all;
      changed = true;
      return `${before}${to}`;
    },
  );
  return changed ? text : undefined;
}

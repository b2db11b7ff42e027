/**
 * What a page makes a browser fetch, told while its octets come, as a preload scanner does.
 * HTML 4.2.4, 4.8, 4.12; scripts are fetched and not run.
 */
import type { Token, TokenHandler } from "parse5";
import { Tokenizer, TokenizerMode } from "parse5";
import type { Reference } from "./css.ts";
import { styleReferences } from "./css.ts";
import { bestCandidate } from "./srcset.ts";

type Attributes = ReadonlyMap<string, string>;

/** What is inside is not shown, or only without scripts. */
const HIDDEN: ReadonlySet<string> = new Set(["template", "noscript"]);
const SCRIPT_TYPES =
  /^(?:|module|text\/javascript|application\/javascript|application\/x-javascript)$/i;
const TEXT_MODES: Readonly<Record<string, Tokenizer["state"]>> = {
  script: TokenizerMode.SCRIPT_DATA,
  style: TokenizerMode.RAWTEXT,
  xmp: TokenizerMode.RAWTEXT,
  iframe: TokenizerMode.RAWTEXT,
  noembed: TokenizerMode.RAWTEXT,
  noframes: TokenizerMode.RAWTEXT,
  noscript: TokenizerMode.RAWTEXT,
  textarea: TokenizerMode.RCDATA,
  title: TokenizerMode.RCDATA,
  plaintext: TokenizerMode.PLAINTEXT,
};
const DATA: Readonly<Record<string, Reference["kind"]>> = {
  style: "style",
  script: "script",
  image: "image",
  font: "font",
  audio: "media",
  video: "media",
  track: "media",
};

export class PageScanner {
  /** The value of the first `base`, not resolved. */
  base: string | undefined = undefined;
  private readonly tokenizer: Tokenizer;
  private readonly found: Reference[] = [];
  private readonly hidden: string[] = [];
  private style: string | undefined = undefined;

  constructor() {
    const text = ({ chars }: Token.CharacterToken) => {
      if (this.style !== undefined) this.style += chars;
    };
    const handler: TokenHandler = {
      onStartTag: (token) => this.startTag(token),
      onEndTag: (token) => this.endTag(token),
      onCharacter: text,
      onWhitespaceCharacter: text,
      onNullCharacter: () => {},
      onComment: () => {},
      onDoctype: () => {},
      onEof: () => {},
    };
    this.tokenizer = new Tokenizer({ sourceCodeLocationInfo: false }, handler);
  }

  /** Gives what the next piece of the page made known. */
  push(text: string): Reference[] {
    if (text !== "") this.tokenizer.write(text, false);
    return this.found.splice(0);
  }

  end(): Reference[] {
    this.tokenizer.write("", true);
    return this.found.splice(0);
  }

  private startTag({ tagName, attrs, selfClosing }: Token.TagToken): void {
    // HTML 13.2.6: elements whose text is no markup. A tree builder would tell the tokenizer.
    const mode = TEXT_MODES[tagName];
    if (mode !== undefined) {
      this.tokenizer.state = mode;
      this.tokenizer.lastStartTagName = tagName;
    }
    if (HIDDEN.has(tagName)) {
      if (!selfClosing) this.hidden.push(tagName);
      return;
    }
    if (this.hidden.length > 0) return;
    this.element(tagName, new Map(attrs.map(({ name, value }) => [name, value.trim()])));
  }

  private endTag({ tagName }: Token.TagToken): void {
    if (this.hidden[this.hidden.length - 1] === tagName) this.hidden.pop();
    if (tagName !== "style" || this.style === undefined) return;
    this.found.push(...styleReferences(this.style));
    this.style = undefined;
  }

  private add(url: string | undefined, kind: Reference["kind"]): void {
    if (url !== undefined && url !== "" && !url.startsWith("#")) this.found.push({ url, kind });
  }

  private element(name: string, attributes: Attributes): void {
    const inline = attributes.get("style");
    if (inline !== undefined) {
      for (const { url } of styleReferences(`x{${inline}}`)) this.add(url, "image");
    }
    const src = attributes.get("src");
    switch (name) {
      case "base":
        this.base ??= attributes.get("href");
        break;
      case "link":
        this.link(attributes);
        break;
      case "script":
        if (SCRIPT_TYPES.test(attributes.get("type") ?? "")) this.add(src, "script");
        break;
      case "style":
        this.style = "";
        break;
      case "img":
        this.add(bestCandidate(attributes.get("srcset") ?? "") ?? src, "image");
        break;
      case "input":
        if (attributes.get("type")?.toLowerCase() === "image") this.add(src, "image");
        break;
      case "video":
        this.add(attributes.get("poster"), "image");
        if (attributes.get("preload") !== "none") this.add(src, "media");
        break;
      case "audio":
        if (attributes.get("preload") !== "none") this.add(src, "media");
        break;
      case "track":
        this.add(src, "media");
        break;
      case "iframe":
      case "frame":
        this.add(src, "document");
        break;
      case "embed":
        this.add(src, "other");
        break;
      case "object":
        this.add(attributes.get("data"), "other");
        break;
      case "image":
      case "use":
        this.add(attributes.get("href") ?? attributes.get("xlink:href"), "image");
        break;
    }
  }

  private link(attributes: Attributes): void {
    const rels = (attributes.get("rel") ?? "").toLowerCase().split(/\s+/);
    const href = attributes.get("href");
    if (rels.includes("stylesheet")) {
      if (!rels.includes("alternate") && !attributes.has("disabled")) this.add(href, "style");
    } else if (rels.includes("modulepreload")) this.add(href, "script");
    else if (rels.includes("preload")) {
      const kind = DATA[(attributes.get("as") ?? "").toLowerCase()] ?? "other";
      const best = bestCandidate(attributes.get("imagesrcset") ?? "");
      this.add(kind === "image" ? (best ?? href) : href, kind);
    } else if (rels.includes("icon") || rels.includes("apple-touch-icon")) this.add(href, "image");
    else if (rels.includes("manifest")) this.add(href, "other");
  }
}

/**
 * Edge Side Includes as a tree. "ESI Language Specification 1.0" (W3C Note, 2001). Text is of one
 * character an octet.
 */

export type EsiNode =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "include";
      readonly src: string;
      readonly alt: string | undefined;
      /** What cannot be fetched leaves nothing behind. */
      readonly goesOn: boolean;
    }
  /** Text with variables. */
  | { readonly kind: "vars"; readonly nodes: readonly EsiNode[] }
  | {
      readonly kind: "choose";
      readonly whens: readonly { readonly test: string; readonly nodes: readonly EsiNode[] }[];
      readonly otherwise: readonly EsiNode[];
    }
  | {
      readonly kind: "try";
      readonly attempt: readonly EsiNode[];
      readonly except: readonly EsiNode[];
    };

/** What is wrong with a template, or came of it. */
export class EsiError extends Error {
  override readonly name = "EsiError";
}

const MAX_DEPTH = 20;
const MAX_ELEMENTS = 2000;

/** `<!--esi`, `-->`, `<esi:name ...>`, `<esi:name .../>`, `</esi:name>`. */
const MARK = /<!--esi|-->|<(\/?)esi:([a-z]+)((?:[^>"']|"[^"]*"|'[^']*')*)>/g;

interface Tag {
  readonly at: number;
  readonly end: number;
  readonly name: string;
  readonly closes: boolean;
  readonly empty: boolean;
  readonly attributes: string;
}

/** @throws EsiError for what is no ESI */
export function parseEsi(text: string): readonly EsiNode[] {
  return new Parser(text).all();
}

class Parser {
  private readonly text: string;
  private readonly tags: Tag[];
  private next = 0;
  /** Up to where text was taken. */
  private at = 0;

  constructor(text: string) {
    this.text = text;
    this.tags = tagsOf(text);
  }

  all(): readonly EsiNode[] {
    const nodes = this.nodes(undefined, 0);
    return nodes;
  }

  /** Up to the end tag of `until`, which is taken. */
  private nodes(until: string | undefined, depth: number): EsiNode[] {
    if (depth > MAX_DEPTH) throw new EsiError(`elements deeper than ${MAX_DEPTH}`);
    const nodes: EsiNode[] = [];
    for (;;) {
      const tag = this.tags[this.next];
      const text = this.text.slice(this.at, tag?.at ?? this.text.length);
      if (text !== "") nodes.push({ kind: "text", text });
      if (tag === undefined) {
        if (until !== undefined) throw new EsiError(`<esi:${until}> has no end`);
        return nodes;
      }
      this.next++;
      this.at = tag.end;
      if (tag.closes) {
        if (tag.name !== until) throw wrong(tag, "an end tag of nothing that was begun");
        return nodes;
      }
      const node = this.element(tag, depth + 1);
      if (node !== undefined) nodes.push(node);
    }
  }

  private element(tag: Tag, depth: number): EsiNode | undefined {
    switch (tag.name) {
      case "include":
        this.skip(tag);
        return include(tag);
      case "comment":
        this.skip(tag);
        return undefined;
      case "remove":
        if (!tag.empty) this.nodes("remove", depth);
        return undefined;
      case "vars":
        return { kind: "vars", nodes: tag.empty ? [] : this.nodes("vars", depth) };
      case "choose":
        return this.choose(tag, depth);
      case "try":
        return this.attempt(tag, depth);
      default:
        throw wrong(tag, `<esi:${tag.name}> is not known here`);
    }
  }

  /** An element without content, written with an end tag. */
  private skip(tag: Tag): void {
    const end = this.tags[this.next];
    if (tag.empty || end?.closes !== true || end.name !== tag.name) return;
    this.next++;
    this.at = end.end;
  }

  private choose(tag: Tag, depth: number): EsiNode {
    const whens: { test: string; nodes: EsiNode[] }[] = [];
    let otherwise: EsiNode[] = [];
    this.parts(tag, (part) => {
      if (part.name === "when") {
        whens.push({ test: needed(part, "test"), nodes: this.nodes("when", depth) });
      } else if (part.name === "otherwise") otherwise = this.nodes("otherwise", depth);
      else throw wrong(part, "<esi:choose> has <esi:when> and <esi:otherwise>");
    });
    if (whens.length === 0) throw wrong(tag, "<esi:choose> without <esi:when>");
    return { kind: "choose", whens, otherwise };
  }

  private attempt(tag: Tag, depth: number): EsiNode {
    let attempt: EsiNode[] | undefined;
    let except: EsiNode[] | undefined;
    this.parts(tag, (part) => {
      if (part.name === "attempt" && attempt === undefined) attempt = this.nodes("attempt", depth);
      else if (part.name === "except" && except === undefined) except = this.nodes("except", depth);
      else throw wrong(part, "<esi:try> has one <esi:attempt> and one <esi:except>");
    });
    if (attempt === undefined || except === undefined) {
      throw wrong(tag, "<esi:try> has one <esi:attempt> and one <esi:except>");
    }
    return { kind: "try", attempt, except };
  }

  /** Elements of `outer`; text between them is nothing. */
  private parts(outer: Tag, take: (part: Tag) => void): void {
    if (outer.empty) return;
    for (;;) {
      const tag = this.tags[this.next];
      if (tag === undefined) throw wrong(outer, `<esi:${outer.name}> has no end`);
      this.next++;
      this.at = tag.end;
      if (tag.closes) {
        if (tag.name !== outer.name) throw wrong(tag, "an end tag of nothing that was begun");
        return;
      }
      if (tag.name === "comment") this.skip(tag);
      else take(tag);
    }
  }
}

/** Tags in their order; the marks of `<!--esi ... -->` are taken out, what is between them stays. */
function tagsOf(text: string): Tag[] {
  const tags: Tag[] = [];
  let hidden = false;
  MARK.lastIndex = 0;
  for (let match = MARK.exec(text); match !== null; match = MARK.exec(text)) {
    const [all, slash, name = "", attributes = ""] = match;
    const at = match.index;
    const end = at + all.length;
    if (all === "<!--esi") {
      if (hidden) throw new EsiError(`<!--esi within <!--esi, at ${at}`);
      hidden = true;
      tags.push(nothing(at, end));
    } else if (all === "-->") {
      if (hidden) tags.push(nothing(at, end));
      hidden = false;
    } else {
      const empty = attributes.endsWith("/");
      tags.push({ at, end, name, closes: slash === "/", empty, attributes });
    }
    if (tags.length > MAX_ELEMENTS) throw new EsiError(`more than ${MAX_ELEMENTS} tags`);
  }
  if (hidden) throw new EsiError("<!--esi has no end");
  return tags;
}

/** A mark that leaves nothing behind. */
function nothing(at: number, end: number): Tag {
  return { at, end, name: "comment", closes: false, empty: true, attributes: "" };
}

function include(tag: Tag): EsiNode {
  return {
    kind: "include",
    src: needed(tag, "src"),
    alt: attribute(tag, "alt"),
    goesOn: attribute(tag, "onerror") === "continue",
  };
}

function attribute({ attributes }: Tag, name: string): string | undefined {
  for (const match of attributes.matchAll(
    /([A-Za-z_:-]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')/g,
  )) {
    if (match[1] === name) return unescaped(match[2] ?? match[3] ?? "");
  }
  return undefined;
}

function needed(tag: Tag, name: string): string {
  const value = attribute(tag, name);
  if (value === undefined) throw wrong(tag, `<esi:${tag.name}> has no ${name}`);
  return value;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
};

function unescaped(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => ENTITIES[entity] as string);
}

function wrong({ at }: Tag, what: string): EsiError {
  return new EsiError(`${what}, at ${at}`);
}

/** Tags of a page as a browser's tokenizer sees them: none in comments, scripts and other text. */
import type { Token, TokenHandler } from "parse5";
import { Tokenizer, TokenizerMode } from "parse5";

const TEXT_MODES: Readonly<Record<string, Tokenizer["state"]>> = {
  script: TokenizerMode.SCRIPT_DATA,
  style: TokenizerMode.RAWTEXT,
  textarea: TokenizerMode.RCDATA,
  title: TokenizerMode.RCDATA,
  xmp: TokenizerMode.RAWTEXT,
  noframes: TokenizerMode.RAWTEXT,
  noembed: TokenizerMode.RAWTEXT,
};

export interface Tags {
  startTag?(tag: Token.TagToken): void;
  endTag?(tag: Token.TagToken): void;
}

/** Tells each tag with its place in all that was written. */
export function htmlTokens(tags: Tags): Tokenizer {
  const handler: TokenHandler = {
    onStartTag: (tag) => {
      const mode = TEXT_MODES[tag.tagName];
      if (mode !== undefined) {
        tokenizer.state = mode;
        tokenizer.lastStartTagName = tag.tagName;
      }
      tags.startTag?.(tag);
    },
    onEndTag: (tag) => tags.endTag?.(tag),
    onCharacter: () => {},
    onWhitespaceCharacter: () => {},
    onNullCharacter: () => {},
    onComment: () => {},
    onDoctype: () => {},
    onEof: () => {},
  };
  const tokenizer = new Tokenizer({ sourceCodeLocationInfo: true }, handler);
  return tokenizer;
}
